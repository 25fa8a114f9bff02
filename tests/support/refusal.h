// What a call is refused with.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"

namespace nestor::testing {

struct Refusal {
  ErrorKind kind{};
  std::string message;
};

/// The Error that `call` throws, or nothing. Any other exception passes through and fails the test.
template <typename Call>
std::optional<Refusal> refusal_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return Refusal{error.kind(), error.what()};
  }
  return std::nullopt;
}

}  // namespace nestor::testing

/// Expects that `expression` throws an Error of that kind whose message contains `fragment`.
#define EXPECT_REFUSED(expression, wanted_kind, fragment)                                             \
  do {                                                                                                \
    const auto refusal = nestor::testing::refusal_of([&] { (void)(expression); });                    \
    EXPECT_TRUE(refusal) << "accepted: " #expression;                                                 \
    if (refusal) {                                                                                    \
      EXPECT_STREQ(nestor::name_of(refusal->kind), nestor::name_of(wanted_kind)) << refusal->message; \
      EXPECT_NE(refusal->message.find(fragment), std::string::npos) << refusal->message;              \
    }                                                                                                 \
  } while (false)
