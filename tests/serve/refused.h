// What a request is refused with, in the terms of the API.
#pragma once

#include <gtest/gtest.h>

#include "serve/api/request_error.h"

/// Expects a RequestError with that param whose message contains `fragment`.
#define EXPECT_REQUEST_REFUSED(expression, wanted_param, fragment)                            \
  do {                                                                                        \
    try {                                                                                     \
      (void)(expression);                                                                     \
      ADD_FAILURE() << "accepted: " #expression;                                              \
    } catch (const nestor::serve::RequestError& error) {                                      \
      EXPECT_EQ(error.param(), wanted_param) << error.what();                                 \
      EXPECT_NE(std::string(error.what()).find(fragment), std::string::npos) << error.what(); \
    }                                                                                         \
  } while (false)
