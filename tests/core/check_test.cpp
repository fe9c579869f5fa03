#include "src/core/check.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include <keratin/error.hpp>

#include "tests/support/throws.hpp"

using keratin::testing::message_of;

namespace keratin {

TEST_CASE("KERATIN_CHECK throws InternalError with condition, text and place") {
  const int nodes = 3;
  const std::string what = message_of<InternalError>(
      [&] { KERATIN_CHECK(nodes == 4, "graph has {} nodes", nodes); });
  CHECK(what.find("nodes == 4: graph has 3 nodes") != std::string::npos);
  CHECK(what.find("tests/core/check_test.cpp:") != std::string::npos);
}

TEST_CASE("KERATIN_CHECK needs no text and lets true pass") {
  CHECK_NOTHROW([] { KERATIN_CHECK(1 + 1 == 2); }());
  CHECK_THROWS_AS([] { KERATIN_CHECK(1 + 1 == 3); }(), InternalError);
}

TEST_CASE("KERATIN_UNREACHABLE throws InternalError") {
  CHECK_THROWS_AS([] { KERATIN_UNREACHABLE(); }(), InternalError);
}

TEST_CASE("every error is a keratin::Error and a std::runtime_error") {
  CHECK_THROWS_AS(throw InvalidArgument("x"), Error);
  CHECK_THROWS_AS(throw SystemError("x"), Error);
  CHECK_THROWS_AS(throw InternalError("x"), std::runtime_error);
}

TEST_CASE("format prints shapes and dtypes") {
  CHECK(keratin::format("{}{}", DType::f32, Shape{2, kUnknown}) == "f32[2,?]");
}

}  // namespace keratin
