#include <doctest/doctest.h>

#include <string>

#include <keratin/layers.hpp>
#include <keratin/model.hpp>

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT

TEST_CASE("The summary of a stack is Keras's table") {
  clear_session();
  const Sequential model(
      {Input({28, 28, 1}),
       Conv2D(32, {3, 3}, {.activation = "relu"}),
       MaxPooling2D({2, 2}),
       Flatten(),
       Dense(10, {.activation = "softmax"})});
  const std::string text = model.summary();
  CHECK(text.starts_with("Model: \"sequential\"\n┏"));
  CHECK(text.find("conv2d (Conv2D)") != std::string::npos);
  CHECK(text.find("(None, 26, 26, 32)") != std::string::npos);
  CHECK(text.find("(None, 5408)") != std::string::npos);
  CHECK(text.find("54,090") != std::string::npos);
  CHECK(text.find(" Total params: 54,410 (212.54 KB)\n") != std::string::npos);
  CHECK(text.find(" Non-trainable params: 0 (0.00 B)\n") != std::string::npos);
  CHECK(text.find("Connected to") == std::string::npos);
}

TEST_CASE("The summary of a graph says what comes from where") {
  clear_session();
  const SymbolicTensor x = Input({4});
  const auto h = Dense(4)(x);
  const Model model(x, Add()({x, h}));
  const std::string text = model.summary();
  CHECK(text.find("Connected to") != std::string::npos);
  CHECK(text.find("input_layer[0][0], dense[0][0]") != std::string::npos);
}

TEST_CASE("Nested layers and trainable flags are shown when asked for") {
  Sequential stem({Input({4}), Dense(3, {.name = "inside"})});
  stem.set_trainable(false);
  const Sequential model({Input({4}), stem, Dense(2)});
  CHECK(model.summary().find("inside") == std::string::npos);
  const std::string text =
      model.summary({.expand_nested = true, .show_trainable = true});
  CHECK(text.find("└ inside (Dense)") != std::string::npos);
  CHECK(text.find("Trainable") != std::string::npos);
  CHECK(text.find("│ N") != std::string::npos);
}
