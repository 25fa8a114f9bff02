"""lm-evaluation-harness against a server with the bundled model: python harness.py URL FOLDER

local-completions scores with log-probabilities, which are held against nestor's own; local-chat-completions generates.
"""

import json
import math
import os
import sys
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "OPENAI_API_KEY": "none", "TOKENIZERS_PARALLELISM": "false"}

import lm_eval
import requests
from lm_eval.tasks import TaskManager

url, folder = sys.argv[1], Path(sys.argv[2])
here = Path(__file__).parent
model = str(here.parent.parent / "assets" / "story")  # where the harness finds the tokenizer
os.environ["HF_DATASETS_CACHE"] = str(folder / "cache")

# Tasks name their data by path; the harness wants it absolute.
tasks = folder / "tasks"
tasks.mkdir()
for file in (here / "tasks").glob("*.yaml"):
    (tasks / file.name).write_text(file.read_text().replace("DATA", str(here / "tasks")))
manager = TaskManager(include_path=str(tasks), include_defaults=False)


def evaluate(kind, names, route, **more):
    arguments = {"model": "story", "base_url": f"{url}{route}", "num_concurrent": 4, "max_retries": 1, **more}
    return lm_eval.simple_evaluate(
        model=kind, model_args=arguments, tasks=names, task_manager=manager, bootstrap_iters=0, log_samples=True,
        apply_chat_template=kind == "local-chat-completions")


scored = evaluate("local-completions", ["nestor_endings", "nestor_prose"], "/v1/completions", tokenizer=model,
                  tokenizer_backend="huggingface", max_length=2048)
accuracy = scored["results"]["nestor_endings"]["acc,none"]
perplexity = scored["results"]["nestor_prose"]["word_perplexity,none"]
assert 0 <= accuracy <= 1 and 1 < perplexity < 1e6, scored["results"]

# The same sums, asked for directly.
for sample in scored["samples"]["nestor_endings"]:
    for (context, ending), response in zip(sample["arguments"], sample["filtered_resps"]):
        tokens = [requests.post(f"{url}/tokenize", json={"prompt": text}).json()["tokens"] for text in (context, context + ending)]
        answer = requests.post(f"{url}/v1/completions", json={
            "prompt": tokens[1], "max_tokens": 0, "echo": True, "logprobs": 1}).json()["choices"][0]["logprobs"]
        own = sum(answer["token_logprobs"][len(tokens[0]):])
        assert math.isclose(own, float(response[0]), abs_tol=1e-3), (own, response)

chatted = evaluate("local-chat-completions", ["nestor_questions"], "/v1/chat/completions")
answers = [s["resps"][0][0] for s in chatted["samples"]["nestor_questions"]]
assert len(answers) == 3 and all(isinstance(a, str) and a for a in answers), answers
print(json.dumps({"lm_eval": lm_eval.__version__, "accuracy": accuracy, "word_perplexity": perplexity}))
