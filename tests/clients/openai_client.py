"""The official openai package against a server with the bundled model: python openai_client.py URL KEY"""

import asyncio
import json
import sys

import openai
from pydantic import BaseModel, Field

url, key = sys.argv[1] + "/v1", sys.argv[2]
client = openai.OpenAI(base_url=url, api_key=key)
MODEL = client.models.list().data[0].id
ASK = [{"role": "user", "content": "Tell me a story about a fox."}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a place",
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "enum": ["Paris", "Oslo"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 9},
            },
            "required": ["place", "days"],
            "additionalProperties": False,
        },
    },
}


class Fox(BaseModel):
    name: str = Field(max_length=40)  # a small model may never end a text by itself
    tails: int = Field(ge=1, le=9)
    tame: bool


def models():
    model = client.models.retrieve(MODEL)
    assert model.id == MODEL and model.context_length == 2048 and model.quantization == "bf16", model


def completions():
    ask = dict(model=MODEL, prompt="Once upon a time", max_tokens=12, temperature=0)
    whole = client.completions.create(**ask)
    assert whole.usage.completion_tokens == 12 and whole.choices[0].finish_reason == "length", whole
    text = "".join(c.choices[0].text for c in client.completions.create(stream=True, **ask))
    assert text == whole.choices[0].text, (text, whole)
    scored = client.completions.create(
        model=MODEL, prompt=[[63, 1883, 601], [601, 63]], max_tokens=1, logprobs=1, echo=True, temperature=0)
    assert len(scored.choices) == 2 and scored.choices[0].logprobs.token_logprobs[0] is None, scored
    assert all(p <= 0 for p in scored.choices[0].logprobs.token_logprobs[1:])


def chat():
    ask = dict(model=MODEL, messages=ASK, max_tokens=16, temperature=0)
    whole = client.chat.completions.create(n=2, logprobs=True, top_logprobs=2, seed=1, **ask)
    assert len(whole.choices) == 2 and whole.choices[0].message.content, whole
    assert len(whole.choices[0].logprobs.content[0].top_logprobs) == 2
    stream = client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **ask)
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content, (text, whole)
    assert chunks[-1].usage.completion_tokens <= 16 and not chunks[-1].choices


def extras():
    client.chat.completions.create(
        model=MODEL, messages=ASK, max_tokens=8,
        extra_body={"top_k": 20, "min_p": 0.05, "repetition_penalty": 1.1, "ignore_eos": True})


def tools():
    ask = dict(model=MODEL, messages=list(ASK), tools=[TOOL], max_tokens=200)
    auto = client.chat.completions.create(**ask)
    assert auto.choices[0].finish_reason in ("stop", "length", "tool_calls")
    for choice in ("required", {"type": "function", "function": {"name": "get_weather"}}):
        message = client.chat.completions.create(tool_choice=choice, parallel_tool_calls=False, **ask).choices[0].message
        call = message.tool_calls[0]
        arguments = json.loads(call.function.arguments)
        assert call.function.name == "get_weather" and arguments["place"] in ("Paris", "Oslo"), call
        assert 1 <= arguments["days"] <= 9, arguments
    # The call and its result go back as they came.
    ask["messages"] += [message.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
    assert client.chat.completions.create(**{**ask, "max_tokens": 8}).choices[0].message is not None
    with client.chat.completions.stream(tool_choice="required", parallel_tool_calls=False, **ask) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].finish_reason == "tool_calls"
    json.loads(final.choices[0].message.tool_calls[0].function.arguments)


def structured():
    parsed = client.chat.completions.parse(model=MODEL, messages=ASK, max_tokens=400, response_format=Fox)
    assert isinstance(parsed.choices[0].message.parsed, Fox), parsed
    plain = client.chat.completions.create(
        model=MODEL, messages=ASK, max_tokens=300, response_format={"type": "json_object"}, temperature=0)
    if plain.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(plain.choices[0].message.content), dict)


def errors():
    def raises(kind, **request):
        try:
            client.with_options(max_retries=0).chat.completions.create(**{"model": MODEL, "messages": ASK, **request})
        except kind as error:
            return error
        raise AssertionError(f"{kind} expected of {request}")

    assert raises(openai.BadRequestError, temperature=-1).param == "temperature"
    assert raises(openai.BadRequestError, max_tokens=100000).code == "context_length_exceeded"
    assert raises(openai.NotFoundError, model="gpt-none").code == "model_not_found"
    assert raises(openai.BadRequestError, extra_body={"mystery": 1}).param == "mystery"
    try:
        openai.OpenAI(base_url=url, api_key="wrong", max_retries=0).models.list()
        raise AssertionError("a wrong key was accepted")
    except openai.AuthenticationError as error:
        assert error.code == "invalid_api_key"


async def asynchronous():
    async with openai.AsyncOpenAI(base_url=url, api_key=key) as a:
        async def one(i):
            ask = dict(model=MODEL, prompt=f"Story number {i}", max_tokens=10 + i, temperature=0)
            pieces = [c.choices[0].text async for c in await a.completions.create(stream=True, **ask)]
            whole = await a.completions.create(**ask)
            assert "".join(pieces) == whole.choices[0].text, i

        await asyncio.gather(*(one(i) for i in range(12)))


for part in (models, completions, chat, extras, tools, structured, errors):
    part()
    print("passed", part.__name__)
asyncio.run(asynchronous())
print("passed asynchronous; openai", openai.__version__)
