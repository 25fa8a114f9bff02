// Rows of whole numbers that a test can compute, in a store that does what the test wants.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"
#include "ngram/row_store.h"

namespace nestor::ngram {

/// Calls to the stores of an embedding, which have numbers.
struct Events {
  std::vector<std::string> calls = {};  // "begin 2", as they come
  std::string fails = {};               // the call that throws Error(io)
};

/// Value k of row i is a whole number from -5 to 5. Every other row has to be waited for.
class NumberStore : public RowStore {
 public:
  NumberStore(std::int64_t rows, std::int64_t width, int number, Events& events)
      : rows_(rows), width_(width), number_(number), events_(events) {}

  float value(std::int64_t row, std::int64_t k) const {
    return static_cast<float>((row * 7 + k * 3 + number_) % 11 - 5);
  }

  std::int64_t rows() const override { return rows_; }
  std::int64_t width() const override { return width_; }
  RowFormat format() const override { return quant::Format::f32; }
  std::size_t begin(std::span<const std::int64_t> ids, std::span<std::byte> out,
                    std::span<std::size_t> waiting) const override {
    note("begin");
    std::size_t count = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (i % 2 == 0) write(ids[i], i, out);
      if (i % 2 == 1) waiting[count++] = i;
    }
    return count;
  }
  void finish(std::span<const std::int64_t> ids, std::span<const std::size_t> waiting,
              std::span<std::byte> out) const override {
    for (const std::size_t i : waiting) {
      write(ids[i], i, out);
      if (i == waiting[waiting.size() / 2]) note("middle");
    }
    note("finish");
  }
  RowReads reads() const override {
    const auto n = static_cast<std::uint64_t>(number_);
    return {.memory = 1 + n, .disk = 10 * n, .unknown = 100 * n};
  }

 private:
  void note(const char* call) const {
    events_.calls.push_back(std::string(call) + " " + std::to_string(number_));
    if (events_.calls.back() == events_.fails) fail(ErrorKind::io, "the disk is gone");
  }
  void write(std::int64_t id, std::size_t at, std::span<std::byte> out) const {
    if (id < 0 || id >= rows_) fail(ErrorKind::internal, "row {} of {}", id, rows_);
    for (std::int64_t k = 0; k < width_; ++k) {
      const float v = value(id, k);
      const auto place = at * static_cast<std::size_t>(width_) + static_cast<std::size_t>(k);
      std::memcpy(out.subspan(4 * place, 4).data(), &v, 4);
    }
  }

  std::int64_t rows_, width_;
  int number_;
  Events& events_;
};

}  // namespace nestor::ngram
