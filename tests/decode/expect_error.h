// EXPECT_ERROR(kind, words, statement): the statement throws Error of that kind and its message has the
// words.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

#define EXPECT_ERROR(expected_kind, words, statement)                                      \
  try {                                                                                    \
    statement;                                                                             \
    ADD_FAILURE() << "no error";                                                           \
  } catch (const nestor::Error& error) {                                                   \
    EXPECT_EQ(nestor::name_of(error.kind()), std::string(nestor::name_of(expected_kind))); \
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();   \
  }
