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

/// Expects that `expression` throws an Error of that kind whose message contains `fragment`. (Not by a
/// lambda: clang 14 lets none see structured bindings.)
#define EXPECT_REFUSED(expression, wanted_kind, fragment)                                             \
  do {                                                                                                \
    std::optional<nestor::testing::Refusal> refusal;                                                  \
    try {                                                                                             \
      (void)(expression);                                                                             \
    } catch (const nestor::Error& refused_with) {                                                     \
      refusal = {refused_with.kind(), refused_with.what()};                                           \
    }                                                                                                 \
    EXPECT_TRUE(refusal) << "accepted: " #expression;                                                 \
    if (refusal) {                                                                                    \
      EXPECT_STREQ(nestor::name_of(refusal->kind), nestor::name_of(wanted_kind)) << refusal->message; \
      EXPECT_NE(refusal->message.find(fragment), std::string::npos) << refusal->message;              \
    }                                                                                                 \
  } while (false)
