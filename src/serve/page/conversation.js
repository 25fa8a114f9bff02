// What the page keeps, and how it talks with the server. No document in here.

const read = (key, otherwise) => {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
};

/** Writes; when the browser's storage is full, the oldest conversations go first. */
const write = (key, value) => {
  for (;;) {
    try {
      localStorage.setItem(key, JSON.stringify(value));
      return;
    } catch {
      if (!Array.isArray(value) || value.length < 2) return;
      value.pop();
    }
  }
};

export const settings = {
  values: read("nestor.settings", {}),
  save() { write("nestor.settings", this.values); },
};

/** Newest first: {id, title, messages: [{role, content, reasoning, note}]} */
export const conversations = {
  list: read("nestor.conversations", []),
  save() { write("nestor.conversations", this.list); },
  begin() {
    const id = crypto.randomUUID?.() ?? String(Date.now()) + Math.random();
    const made = { id, title: "New conversation", messages: [] };
    this.list.unshift(made);
    return made;
  },
  remove(one) {
    this.list = this.list.filter((other) => other !== one);
    this.save();
  },
  clear() {
    this.list = [];
    this.save();
  },
};

const headers = () => {
  const made = { "content-type": "application/json" };
  if (settings.values.key) made.authorization = `Bearer ${settings.values.key}`;
  return made;
};

const refusal = async (response) => {
  let text = `the server answered with status ${response.status}`;
  try {
    text = (await response.json()).error.message;
  } catch { /* not from this server: the status has to do */ }
  if (response.status === 401) text += " (Settings, API key)";
  return new Error(text);
};

export const modelInfo = async () => {
  const response = await fetch("v1/models", { headers: headers() });
  if (!response.ok) throw await refusal(response);
  return (await response.json()).data[0];
};

/** {running, waiting, generated, prefilled} from /metrics. */
export const figures = async () => {
  const response = await fetch("metrics", { headers: headers() });
  if (!response.ok) throw await refusal(response);
  const text = await response.text();
  const value = (name) => Number(text.match(new RegExp(`^nestor_${name} (\\S+)$`, "m"))?.[1] ?? NaN);
  return {
    running: value("requests_running"),
    waiting: value("requests_waiting"),
    tokens: value("generated_tokens_total"),
  };
};

const sampling = () => {
  const given = {};
  for (const key of ["temperature", "top_p", "top_k", "min_p", "repetition_penalty", "seed", "max_tokens"]) {
    const value = settings.values[key];
    if (value !== undefined && value !== "") given[key] = Number(value);
  }
  return given;
};

/** The data of server-sent events, as they come. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    held += value;
    for (let end; (end = held.indexOf("\n\n")) >= 0; held = held.slice(end + 2)) {
      const line = held.slice(0, end);
      if (line.startsWith("data: ")) yield line.slice(6);
    }
  }
}

/** Pieces of an answer: {content?, reasoning?, finish?, usage?}. */
export async function* answer(messages, signal) {
  const system = (settings.values.system ?? "").trim();
  const told = messages.map(({ role, content }) => ({ role, content }));
  if (system) told.unshift({ role: "system", content: system });
  const response = await fetch("v1/chat/completions", {
    method: "POST",
    headers: headers(),
    signal,
    body: JSON.stringify({ messages: told, stream: true, stream_options: { include_usage: true }, ...sampling() }),
  });
  if (!response.ok) throw await refusal(response);
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Error(chunk.error.message);
    const choice = chunk.choices[0];
    yield {
      content: choice?.delta.content,
      reasoning: choice?.delta.reasoning_content,
      finish: choice?.finish_reason,
      usage: chunk.usage,
    };
  }
  throw new Error("the connection ended before the answer did");
}
