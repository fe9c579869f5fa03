#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/utils.hpp>

#include "tests/support/throws.hpp"

namespace keratin {

using testing::message_of;
using utils::normalize;
using utils::pad_sequences;
using utils::to_categorical;

namespace {

using Ints = std::vector<std::int32_t>;
using Doubles = std::vector<double>;

}  // namespace

TEST_CASE("to_categorical makes one-hot rows") {
  CHECK(
      to_categorical(Tensor(Ints{0, 2, 1})) ==
      Tensor(Doubles{1, 0, 0, 0, 0, 1, 0, 1, 0}, {3, 3}));
  CHECK(
      to_categorical(Tensor(Ints{1, 0}, {2, 1}), 4) ==
      Tensor(Doubles{0, 1, 0, 0, 1, 0, 0, 0}, {2, 4}));
  CHECK(
      to_categorical(Tensor(Ints{1, 0, 1, 1}, {2, 2})).shape() ==
      Shape{2, 2, 2});
  CHECK(to_categorical(Tensor(DType::i32, {0}), 3).shape() == Shape{0, 3});
}

TEST_CASE("to_categorical refuses labels out of range") {
  CHECK(message_of<InvalidArgument>([] {
          to_categorical(Tensor(Ints{0, 3}), 3);
        }) == "[to_categorical] expected classes from 0 to 2, got 3 at 1");
  CHECK(message_of<InvalidArgument>([] {
          to_categorical(Tensor(Ints{0, -1}));
        }) == "[to_categorical] expected classes from 0 to 0, got -1 at 1");
  CHECK(
      message_of<InvalidArgument>(
          [] { to_categorical(Tensor(DType::i32, {0})); }) ==
      "[to_categorical] expected num_classes or at least one label, got "
      "neither");
}

TEST_CASE("normalize divides by the norm along an axis") {
  const Tensor x(Doubles{3, 4, 0, 0}, {2, 2});
  CHECK(normalize(x) == Tensor(Doubles{0.6, 0.8, 0, 0}, {2, 2}));
  CHECK(normalize(x, 0) == Tensor(Doubles{1, 1, 0, 0}, {2, 2}));
  CHECK(normalize(x, -1, 1) == Tensor(Doubles{3. / 7, 4. / 7, 0, 0}, {2, 2}));
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(normalize(x, -1, infinity) == Tensor(Doubles{0.75, 1, 0, 0}, {2, 2}));
  CHECK(normalize(Tensor(std::vector<float>{3, 4})).dtype() == DType::f32);
  CHECK(normalize(Tensor(Ints{3, 4})) == Tensor(Doubles{0.6, 0.8}));
  CHECK(message_of<InvalidArgument>([&] {
          normalize(x, -1, 0);
        }) == "[normalize] expected order > 0, got 0");
}

TEST_CASE("pad_sequences pads and cuts as in Keras") {
  const std::vector<std::vector<std::int64_t>> sequences = {
      {1}, {2, 3}, {4, 5, 6}};
  CHECK(
      pad_sequences(sequences) ==
      Tensor(Ints{0, 0, 1, 0, 2, 3, 4, 5, 6}, {3, 3}));
  CHECK(
      pad_sequences(sequences, {.value = -1}) ==
      Tensor(Ints{-1, -1, 1, -1, 2, 3, 4, 5, 6}, {3, 3}));
  CHECK(
      pad_sequences(sequences, {.padding = "post"}) ==
      Tensor(Ints{1, 0, 0, 2, 3, 0, 4, 5, 6}, {3, 3}));
  CHECK(
      pad_sequences(sequences, {.maxlen = 2}) ==
      Tensor(Ints{0, 1, 2, 3, 5, 6}, {3, 2}));
  CHECK(
      pad_sequences(sequences, {.maxlen = 2, .truncating = "post"}) ==
      Tensor(Ints{0, 1, 2, 3, 4, 5}, {3, 2}));
  CHECK(pad_sequences({{1, 2}, {3}}).shape() == Shape{2, 2});
  CHECK(
      pad_sequences(
          std::vector<std::vector<double>>{{1.5}, {}}, {.dtype = DType::f32}) ==
      Tensor(std::vector<float>{1.5F, 0}, {2, 1}));
  // Rows may have a shape of their own.
  CHECK(
      pad_sequences(std::vector<Tensor>{
          Tensor(Ints{1, 2}, {1, 2}), Tensor(Ints{3, 4, 5, 6}, {2, 2})}) ==
      Tensor(Ints{0, 0, 1, 2, 3, 4, 5, 6}, {2, 2, 2}));
}

TEST_CASE("pad_sequences refuses what it does not know") {
  CHECK(
      message_of<InvalidArgument>(
          [] { pad_sequences({{1}}, {.padding = "before"}); }) ==
      "[pad_sequences] expected padding = \"pre\" or \"post\", got \"before\"");
  CHECK(message_of<InvalidArgument>([] {
          pad_sequences(std::vector<Tensor>{
              Tensor(Ints{1, 2}, {1, 2}), Tensor(Ints{3}, {1, 1})});
        }) == "[pad_sequences] expected rows of shape [2], got [1] at 1");
  CHECK(
      message_of<InvalidArgument>([] {
        pad_sequences(std::vector<Tensor>{});
      }) == "[pad_sequences] expected sequences and maxlen >= 1, got 0 and 0");
}

}  // namespace keratin
