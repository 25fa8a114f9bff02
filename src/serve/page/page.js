import { answer, conversations, figures, modelInfo, settings } from "./conversation.js";

const $ = (id) => document.getElementById(id);
const messages = $("messages");
const question = $("question");

let current = null; // the conversation that is shown; null: a new one
let running = null; // the AbortController of the answer under way

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const button = (text, action, title = "") => make("button", { type: "button", textContent: text, onclick: action, title });

// Text with ``` blocks as code; everything else stays as it is.
const fill = (element, text) => {
  const parts = text.split(/^```[^\n]*\n?/m);
  element.replaceChildren(...parts.map((part, i) => (i % 2 ? make("pre", {}, make("code", { textContent: part })) : part)));
};

const say = (text) => { $("status").textContent = text; };

// ---- showing

const showTools = (card, message, index) => {
  const tools = make("div", { className: "tools" });
  if (message.role === "assistant") {
    if (message.note) tools.append(make("span", { textContent: message.note }));
    tools.append(button("Copy", () => copy(message.content)), button("Retry", () => retry(index), "Ask again"));
  } else {
    tools.append(button("Edit", () => edit(index), "Change this question and ask again"));
  }
  card.querySelector(".tools")?.remove();
  card.append(tools);
};

const showMessage = (message, index) => {
  const card = make("article", { className: `message ${message.role}` });
  card.setAttribute("aria-label", message.role === "user" ? "You" : "Model");
  const thoughts = make("details", { hidden: !message.reasoning }, make("summary", { textContent: "Thoughts" }), make("div"));
  thoughts.lastChild.textContent = message.reasoning ?? "";
  const text = make("div", { className: "text" });
  fill(text, message.content);
  card.append(thoughts, text);
  if (message.error) card.append(make("p", { className: "error", textContent: message.error }));
  showTools(card, message, index);
  messages.append(card);
  return card;
};

const showWelcome = () => {
  const ideas = ["Tell me a story about a fox.", "What did the old house look like?", "Who came to the door?"];
  messages.replaceChildren(
    make("section", { className: "welcome" },
      make("h2", { textContent: "What shall we talk about?" }),
      make("p", { textContent: "Everything stays between this browser and this server." }),
      make("div", { className: "bar" }, ...ideas.map((idea) => button(idea, () => ask(idea))))));
};

const showConversation = () => {
  if (!current?.messages.length) return showWelcome();
  messages.replaceChildren();
  current.messages.forEach(showMessage);
  messages.scrollTop = messages.scrollHeight;
};

const showHistory = () => {
  $("conversations").replaceChildren(...conversations.list.map((one) => {
    const item = make("li", {},
      button(one.title, () => choose(one), one.title),
      button("\u2715", () => remove(one), "Delete"));
    item.lastChild.setAttribute("aria-label", `Delete ${one.title}`);
    if (one === current) item.setAttribute("aria-current", "true");
    return item;
  }));
};

const openHistory = (open) => {
  $("history").classList.toggle("open", open);
  $("open-history").setAttribute("aria-expanded", String(open));
  if (open) $("new").focus();
};

// ---- doing

const choose = (one) => {
  running?.abort();
  current = one;
  showHistory();
  showConversation();
  openHistory(false);
  question.focus();
};

const remove = (one) => {
  conversations.remove(one);
  if (one === current) return choose(null);
  showHistory();
};

const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied");
  } catch {
    say("The browser does not let this page copy");
  }
};

const retry = (index) => {
  if (running) return;
  current.messages.length = index;
  showConversation();
  respond();
};

const edit = (index) => {
  if (running) return;
  question.value = current.messages[index].content;
  current.messages.length = index;
  conversations.save();
  showConversation();
  resize();
  question.focus();
};

const ask = (text) => {
  if (!text.trim() || running) return;
  if (!current) {
    current = conversations.begin();
    current.title = text.trim().replace(/\s+/g, " ").slice(0, 60);
    messages.replaceChildren();
  } else if (!current.messages.length) {
    messages.replaceChildren();
  }
  current.messages.push({ role: "user", content: text });
  showMessage(current.messages.at(-1), current.messages.length - 1);
  question.value = "";
  resize();
  showHistory();
  respond();
};

const setBusy = (busy) => {
  $("send").hidden = busy;
  $("stop").hidden = !busy;
  messages.setAttribute("aria-busy", String(busy));
};

const endings = { length: "token limit reached", stop: "" };

async function respond() {
  const conversation = current;
  const message = { role: "assistant", content: "", reasoning: "" };
  conversation.messages.push(message);
  const index = conversation.messages.length - 1;
  const card = showMessage(message, index);
  card.classList.add("live");
  const [thoughts, text] = card.children;
  const meter = card.querySelector(".tools");
  meter.replaceChildren();
  running = new AbortController();
  setBusy(true);
  say("The model is answering");
  const begun = performance.now();
  let first = 0, pieces = 0, usage = null, finish = "", drawn = 0;
  const draw = () => {
    drawn = 0;
    const follow = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 80;
    thoughts.hidden = !message.reasoning;
    thoughts.lastChild.textContent = message.reasoning;
    fill(text, message.content);
    const seconds = (performance.now() - first) / 1000;
    meter.textContent = pieces > 1 ? `${((pieces - 1) / seconds).toFixed(1)} tok/s` : "";
    if (follow) messages.scrollTop = messages.scrollHeight;
  };
  draw();
  try {
    for await (const piece of answer(conversation.messages.slice(0, index), running.signal)) {
      if (piece.content || piece.reasoning) {
        first ||= performance.now();
        ++pieces;
      }
      message.content += piece.content ?? "";
      message.reasoning += piece.reasoning ?? "";
      usage = piece.usage ?? usage;
      finish = piece.finish ?? finish;
      drawn ||= requestAnimationFrame(draw);
    }
  } catch (error) {
    if (error.name === "AbortError") finish = "stopped";
    else message.error = `${error.message}.`.replace(/\.\.$/, ".");
  }
  cancelAnimationFrame(drawn);
  const count = usage?.completion_tokens ?? pieces;
  const seconds = (performance.now() - first) / 1000;
  const notes = [];
  if (count > 1) notes.push(`${count} tokens`, `${((count - 1) / seconds).toFixed(1)} tok/s`);
  if (first) notes.push(`first after ${Math.round(first - begun)} ms`);
  if (finish === "stopped") notes.push("stopped");
  if (endings[finish]) notes.push(endings[finish]);
  message.note = notes.join(" \u00b7 ");
  running = null;
  setBusy(false);
  say(message.error ?? "The answer is complete");
  conversations.save();
  if (conversation !== current) return;
  const follow = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 80;
  card.remove();
  showMessage(message, index);
  if (follow) messages.scrollTop = messages.scrollHeight;
  question.focus({ preventScroll: true });
}

// ---- figures of the server

let before = null;
async function refresh() {
  if (document.hidden) return;
  try {
    const now = { ...(await figures()), at: performance.now() };
    $("running").textContent = now.running;
    $("waiting").textContent = now.waiting;
    if (before) $("rate").textContent = Math.round(((now.tokens - before.tokens) / (now.at - before.at)) * 1000);
    before = now;
  } catch {
    for (const id of ["running", "waiting", "rate"]) $(id).textContent = "\u2013";
    before = null;
  }
}

async function greet() {
  try {
    const model = await modelInfo();
    $("model").textContent = model.id;
    $("model").title = `${model.id}: ${model.quantization}, context of ${model.context_length} tokens`;
    document.title = `${model.id} \u2013 Nestor`;
  } catch (error) {
    say(error.message);
  }
}

// ---- settings

const form = $("settings").querySelector("form");
const openSettings = () => {
  for (const field of form.elements) if (field.name) field.value = settings.values[field.name] ?? "";
  $("settings").showModal();
};
$("settings").addEventListener("close", () => {
  for (const field of form.elements) if (field.name && field.checkValidity()) settings.values[field.name] = field.value;
  settings.save();
  greet();
  question.focus();
});
$("reset").onclick = () => {
  for (const field of form.elements) if (field.name && field.name !== "key") field.value = "";
};
$("forget").onclick = () => {
  if (!confirm("Delete all conversations of this browser?")) return;
  conversations.clear();
  choose(null);
};

const applyTheme = () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = settings.values.theme ?? (dark ? "dark" : "light");
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
$("theme").onclick = () => {
  settings.values.theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  settings.save();
  applyTheme();
};

// ---- keys and buttons

const resize = () => {
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight}px`;
};
question.addEventListener("input", resize);
question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  ask(question.value);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("settings").open) {
    if ($("history").classList.contains("open")) openHistory(false);
    else running?.abort();
  }
  if (event.altKey && event.code === "KeyN") choose(null);
  if (event.altKey && event.code === "KeyS") openSettings();
});
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask(question.value);
});
$("stop").onclick = () => running?.abort();
$("new").onclick = () => choose(null);
$("open-history").onclick = () => openHistory(true);
$("open-settings").onclick = openSettings;
for (const element of document.querySelectorAll("[data-close=history]")) element.onclick = () => openHistory(false);

applyTheme();
showHistory();
showConversation();
greet();
refresh();
setInterval(refresh, 2000);
question.focus();
