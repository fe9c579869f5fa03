#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/shape.hpp>

#include "tests/support/throws.hpp"

namespace keratin {

using testing::message_of;

TEST_CASE("shapes print in the IR's and in Keras's spelling") {
  CHECK(Shape{}.str() == "[]");
  CHECK(Shape{}.keras_str() == "()");
  CHECK(Shape{3}.str() == "[3]");
  CHECK(Shape{3}.keras_str() == "(3,)");
  CHECK(Shape{kUnknown, 10}.str() == "[?,10]");
  CHECK(Shape{kUnknown, 10}.keras_str() == "(None, 10)");
}

TEST_CASE("sizes and strides are row-major products") {
  CHECK(Shape{}.size() == 1);
  CHECK(Shape{2, 3, 4}.size() == 24);
  CHECK(Shape{2, 0, 4}.size() == 0);
  CHECK(Shape{2, 3, 4}.strides() == std::vector<std::int64_t>{12, 4, 1});
  CHECK(Shape{}.strides().empty());
  CHECK(Shape{2, 0, 4}.strides() == std::vector<std::int64_t>{4, 4, 1});
}

TEST_CASE("negative dimensions, unknown and huge sizes are refused") {
  CHECK_THROWS_AS(Shape({2, -5}), InvalidArgument);
  CHECK_THROWS_AS((Shape{kUnknown, 2}.size()), InvalidArgument);
  CHECK_THROWS_AS((Shape{kUnknown, 2}.strides()), InvalidArgument);
  const std::int64_t big = std::int64_t{1} << 32;
  CHECK_THROWS_AS((Shape{big, big}.size()), InvalidArgument);
  CHECK_THROWS_AS((Shape{big, big, big, big}.size()), InvalidArgument);
  CHECK(Shape{big, big, 0}.size() == 0);
  CHECK(Shape{0, big, big}.strides().size() == 3);
}

TEST_CASE("axes count from the front or from the back") {
  const Shape shape{2, 3, 4};
  CHECK(shape.axis(0) == 0);
  CHECK(shape.axis(-1) == 2);
  CHECK(message_of<InvalidArgument>([&] {
          shape.axis(3, "softmax");
        }) == "[softmax] expected an axis from -3 to 2 of (2, 3, 4), got 3");
  CHECK_THROWS_AS(shape.axis(-4), InvalidArgument);
  CHECK_THROWS_AS(Shape{}.axis(0), InvalidArgument);
  CHECK_THROWS_AS(shape.axis(INT64_MIN), InvalidArgument);
}

TEST_CASE("broadcasting follows NumPy") {
  CHECK(broadcast_shapes({2, 3}, {3}) == Shape{2, 3});
  CHECK(broadcast_shapes({2, 1}, {1, 5}) == Shape{2, 5});
  CHECK(broadcast_shapes({}, {4}) == Shape{4});
  CHECK(broadcast_shapes({0}, {1}) == Shape{0});
  CHECK(broadcast_shapes({kUnknown, 3}, {1, 3}) == Shape{kUnknown, 3});
  CHECK(broadcast_shapes({kUnknown, 3}, {8, 3}) == Shape{8, 3});
  CHECK(
      message_of<InvalidArgument>([] {
        broadcast_shapes({2, 3}, {2, 4}, "add");
      }) ==
      "[add] expected shapes that broadcast, got (2, 3) and (2, 4): 3 does not "
      "match 4");
}

}  // namespace keratin
