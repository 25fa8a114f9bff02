// nestor chat: a conversation at the terminal.
#include <histedit.h>

#include <algorithm>
#include <cerrno>
#include <iostream>
#include <optional>

#include "arguments.h"
#include "base/error.h"
#include "conversation.h"
#include "draft_options.h"
#include "interrupt.h"
#include "sampling_options.h"
#include "terminal.h"

namespace nestor::app {
namespace {

struct Options {
  std::string model;
  std::string system;
  std::optional<std::int64_t> new_tokens;
  SamplingOptions sampling;
  DraftOptions drafts;
};

constexpr std::int64_t kDefaultNewTokens = 1024;
constexpr const char* kHelp =
    "  /help            this list\n"
    "  /system TEXT     a system prompt (empty: none); starts a new conversation\n"
    "  /reset           start a new conversation\n"
    "  /undo            forget the last question and its answer\n"
    "  /retry           ask the last question again, with another seed\n"
    "  /temperature X   0 = greedy\n"
    "  /history         the messages so far, as JSON\n"
    "  /quit            leave (also Ctrl-D); Ctrl-C stops an answer\n";

char* prompt_text(EditLine*) {
  static char text[] = "> ";
  return text;
}

// One line from the user: edited, with history, at a terminal; plain from a pipe. Nothing at the end of
// input.
class LineReader {
 public:
  LineReader() {
    if (!is_terminal(0)) return;
    edit_ = el_init("nestor", stdin, stdout, stderr);
    history_ = history_init();
    if (edit_ == nullptr || history_ == nullptr) return;
    HistEvent event;
    history(history_, &event, H_SETSIZE, 1000);
    el_set(edit_, EL_PROMPT, prompt_text);
    el_set(edit_, EL_EDITOR, "emacs");
    el_set(edit_, EL_HIST, history, history_);
    el_set(edit_, EL_SIGNAL, 1);
    survive_interrupts();
  }
  ~LineReader() {
    if (history_ != nullptr) history_end(history_);
    if (edit_ != nullptr) el_end(edit_);
  }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  std::optional<std::string> read() {
    std::string line;
    if (edit_ == nullptr) {
      if (!std::getline(std::cin, line)) return std::nullopt;
      return line;
    }
    int count = 0;
    const char* text = el_gets(edit_, &count);
    if (text == nullptr && count < 0 && errno == EINTR) {  // Ctrl-C drops the line, Ctrl-D leaves
      print("\n");
      return "";
    }
    if (text == nullptr || count <= 0) return std::nullopt;
    line.assign(text, static_cast<std::size_t>(count));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    if (!line.empty()) {
      HistEvent event;
      history(history_, &event, H_ENTER, line.c_str());
    }
    return line;
  }

 private:
  EditLine* edit_ = nullptr;
  History* history_ = nullptr;
};

class Chat {
 public:
  Chat(const Options& o, const assemble::OpenOptions& engine)
      : opened_(assemble::open(resolve_model(o.model), with_drafts(engine, o.drafts))),
        model_(opened_.model()),
        conversation_(opened_) {
    sampling_ = resolve_sampling(o.sampling, opened_.defaults());
    decode::validate(sampling_, model_.info().vocab_size);
    rule_ = assemble::stop_rule(opened_.defaults(), o.new_tokens, kDefaultNewTokens);
    if (!o.system.empty()) conversation_.set_system(o.system);
  }

  int loop() {
    note("/help lists the commands, Ctrl-C stops an answer, Ctrl-D leaves");
    LineReader reader;
    while (const auto line = reader.read()) {
      if (line->empty()) continue;
      try {
        if (line->front() != '/') {
          ask(*line);
        } else if (!command(*line)) {
          return 0;
        }
      } catch (const Error& e) {
        if (e.kind() == ErrorKind::io) throw;  // nobody reads the answers any more
        note(fmt::format("error: {}", e.what()));
      }
    }
    if (is_terminal(0)) print("\n");
    return 0;
  }

 private:
  void ask(const std::string& text) {
    const InterruptScope interrupt;
    const auto answer = conversation_.ask(text, sampling_, rule_, interrupt.stop(),
                                          [](std::string_view piece) { print(piece); });
    print("\n");
    const std::int64_t decoded = std::max<std::int64_t>(answer.tokens - 1, 0);
    const double rate = answer.seconds > 0 ? static_cast<double>(decoded) / answer.seconds : 0;
    if (is_terminal(2)) {
      note(fmt::format("[{} tokens, {:.1f} tok/s; prompt {} tokens, {} reused{}]", answer.tokens, rate,
                       answer.prompt_tokens, answer.reused_tokens, ending(answer.reason)));
    }
  }

  static const char* ending(decode::FinishReason reason) {
    if (reason == decode::FinishReason::cancelled) return "; stopped";
    return reason == decode::FinishReason::length ? "; cut at the limit" : "";
  }

  // False to leave.
  bool command(const std::string& line) {
    const std::size_t space = line.find(' ');
    const std::string name = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (name == "/quit" || name == "/exit") return false;
    if (name == "/help") {
      print(kHelp);
    } else if (name == "/system") {
      conversation_.set_system(rest);
      note(rest.empty() ? "no system prompt; new conversation" : "system prompt set; new conversation");
    } else if (name == "/reset") {
      conversation_.reset();
      note("new conversation");
    } else if (name == "/undo") {
      note(conversation_.undo() ? "the last question and answer are forgotten" : "nothing to forget");
    } else if (name == "/retry") {
      retry();
    } else if (name == "/temperature") {
      set_temperature(rest);
    } else if (name == "/history") {
      print(to_text(conversation_.messages(), 1) + "\n");
    } else {
      note(fmt::format("no command is called {}; /help lists them", name));
    }
    return true;
  }

  void retry() {
    const auto question = conversation_.undo();
    if (!question) {
      note("nothing to ask again");
      return;
    }
    ++sampling_.seed;
    ask(*question);
  }

  void set_temperature(const std::string& text) {
    char* end = nullptr;
    decode::SamplingParams changed = sampling_;
    changed.temperature = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0') fail(ErrorKind::usage, "/temperature: expected a number");
    decode::validate(changed, model_.info().vocab_size);
    sampling_ = changed;
    note(fmt::format("temperature {}", sampling_.temperature));
  }

  assemble::OpenedModel opened_;
  lm::LanguageModel& model_;
  Conversation conversation_;
  decode::SamplingParams sampling_;
  decode::StopRule rule_;
};

}  // namespace

Command chat_command(CLI::App& root, const assemble::OpenOptions& engine) {
  auto o = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("chat", "Talk with a model at the terminal");
  add_model(*app, o->model);
  app->add_option("--system", o->system, "A system prompt")->option_text("TEXT");
  app->add_option("-n,--max-tokens", o->new_tokens, "At most N tokens in an answer (default 1024)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->option_text("N");
  add_sampling_options(*app, o->sampling);
  add_draft_options(*app, o->drafts);
  app->footer("Examples:\n  nestor chat\n  nestor chat MODEL --system \"You are brief.\" --temperature 0.7");
  return {app, [o, &engine] { return Chat(*o, engine).loop(); }, engine_options()};
}

}  // namespace nestor::app
