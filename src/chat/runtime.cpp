#include "chat/runtime.h"

namespace nestor::chat {
namespace {
// Nested evaluations; each takes below a kilobyte of stack, several in a build with sanitizers.
constexpr int kMaxCallDepth = 1000;
}  // namespace

Runtime::~Runtime() {
  for (const auto& object : kept_) object->release();
}

void Runtime::step(std::uint64_t count) {
  steps_ += count;
  if (steps_ > limits_.steps) {
    fail(ErrorKind::limit, "the template takes more than {} steps", limits_.steps);
  }
}

void Runtime::build(std::uint64_t bytes) {
  if (bytes > limits_.output_bytes) {
    fail(ErrorKind::limit, "the template builds a text or list of more than {} bytes", limits_.output_bytes);
  }
  built_ += bytes;
  if (built_ > limits_.work_bytes) {
    fail(ErrorKind::limit, "the template builds texts and lists of more than {} bytes in all",
         limits_.work_bytes);
  }
}

Value Runtime::text(Text text) {
  build(text.size());
  return Value(std::move(text));
}

void Runtime::append(Text& out, const Text& more) {
  if (out.size() + more.size() > limits_.output_bytes) build(limits_.output_bytes + 1);
  build(more.size());
  out.append(more);
}

Value Runtime::list(std::vector<Value> items) {
  build(items.size() * sizeof(Value));
  return Value(List(std::move(items)));
}

Runtime::Depth::Depth(Runtime& runtime) : runtime_(runtime) {
  if (runtime_.depth_ >= kMaxCallDepth) {
    fail(ErrorKind::limit, "maximum recursion depth exceeded: macros or values nest too deep");
  }
  ++runtime_.depth_;
}

}  // namespace nestor::chat
