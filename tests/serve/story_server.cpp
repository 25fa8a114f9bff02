#include "story_server.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/golden.h"
#include "support/paths.h"
#include "unhurried_model.h"

namespace nestor::testing {
namespace {

serve::ServedModel story(const StoryServer::Setup& setup) {
  const std::filesystem::path folder = story_folder();
  std::vector<decode::DraftKind> drafters = {decode::DraftKind::lookup};
  if (setup.draft != model::DraftBlock::none) drafters.push_back(decode::DraftKind::block);
  return {.names = {"story", "other-name"},
          .tokenizer = tokenizer::Tokenizer::load(folder / "tokenizer.json"),
          .chat = setup.chat_template.empty() ? assemble::ChatFormat::open(folder)
                                              : assemble::ChatFormat::open(folder, setup.chat_template),
          .defaults = {.sampling = {.temperature = 0},
                       .stop_ids = {2},
                       .min_tokens = setup.min_tokens,
                       .max_tokens = 32,
                       .drafters = drafters},
          .quantization = "bf16",
          .parameters = 11,
          .created = 1};
}

}  // namespace

StoryServer::StoryServer(Setup setup)
    : tokenizer_(tokenizer::Tokenizer::load(story_folder() / "tokenizer.json")) {
  serve::ServerOptions& options = setup.options;
  options.http.port = 0;
  options.log_level = serve::LogLevel::debug;
  options.log = [this](std::string_view line) {
    const std::lock_guard lock(mutex_);
    log_.emplace_back(line);
    changed_.notify_all();
    return true;
  };
  std::unique_ptr<lm::LanguageModel> model =
      open_model(story_folder(), "auto", 2, model::CacheFormat::f32, setup.draft);
  if (setup.pause.count() > 0) model = std::make_unique<UnhurriedModel>(std::move(model), setup.pause);
  server_ = std::make_unique<serve::Server>(story(setup), std::move(model), options);
  const std::string url = server_->url();
  port_ = static_cast<std::uint16_t>(std::atoi(url.c_str() + url.rfind(':') + 1));
}

Reply StoryServer::post(std::string_view path, const Json& body, std::string_view headers) const {
  return request(port_, "POST", path, to_text(body), headers);
}

Json StoryServer::ok(std::string_view path, const Json& body) const {
  const Reply reply = post(path, body);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.headers.at("content-type"), "application/json");
  return parse_json(reply.body, "response");
}

Json StoryServer::error(int status, std::string_view path, const Json& body) const {
  const Reply reply = post(path, body);
  EXPECT_EQ(reply.status, status) << reply.body;
  const Json error = parse_json(reply.body, "response").at("error");
  for (const char* key : {"message", "type", "param", "code"}) EXPECT_TRUE(error.contains(key)) << key;
  return error;
}

std::vector<Json> events_of(const std::string& body) {
  std::vector<Json> events;
  bool done = false;
  for (std::size_t begin = 0, end = 0; (end = body.find("\n\n", begin)) != std::string::npos;
       begin = end + 2) {
    const std::string line = body.substr(begin, end - begin);
    EXPECT_TRUE(line.starts_with("data: ")) << line;
    EXPECT_FALSE(done) << "an event after [DONE]";
    done = line == "data: [DONE]";
    if (!done) events.push_back(parse_json(line.substr(6), "event"));
  }
  EXPECT_TRUE(done) << body;
  return events;
}

std::vector<Json> StoryServer::stream(std::string_view path, Json body) const {
  body["stream"] = true;
  const Reply reply = post(path, body);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.headers.at("content-type"), "text/event-stream; charset=utf-8");
  return events_of(reply.body);
}

double StoryServer::metric(const std::string& name) const {
  const std::string text = request(port_, "GET", "/metrics").body;
  const std::size_t at = text.find("\nnestor_" + name + " ");
  EXPECT_NE(at, std::string::npos) << name;
  return std::atof(text.c_str() + at + 9 + name.size());
}

void StoryServer::wait_for(const std::string& name, double at_least) const {
  for (int i = 0; i < 12000 && metric(name) < at_least; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_GE(metric(name), at_least) << name;
}

void StoryServer::wait_for_at_most(const std::string& name, double at_most) const {
  for (int i = 0; i < 12000 && metric(name) > at_most; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_LE(metric(name), at_most) << name;
}

std::string StoryServer::logged(const std::string& text) {
  std::unique_lock lock(mutex_);
  std::string found;
  changed_.wait(lock, [&] {
    for (const std::string& line : log_) {
      if (line.find(text) != std::string::npos) found = line;
    }
    return !found.empty();
  });
  return found;
}

}  // namespace nestor::testing
