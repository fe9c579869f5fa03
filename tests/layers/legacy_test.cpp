#include <keratin/layers/legacy.hpp>

#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

TEST_CASE("layers of Keras 1 and 2 keep the layer contract") {
  check_layer(
      {.layer = [] { return kl::ThresholdedReLU({.theta = 0.1}); },
       .inputs = {{2, 3}},
       .output = {2, 3},
       .gradient_tolerance = 1e-5});
  check_layer(
      {.layer = [] { return kl::LocallyConnected1D(3, 2, {.strides = 2}); },
       .inputs = {{2, 5, 2}},
       .output = {2, 2, 3},
       .weights = 2});
  for (const std::int64_t implementation : {2, 3}) {
    check_layer(
        {.layer =
             [&] {
               return kl::LocallyConnected2D(
                   2,
                   {2, 3},
                   {.padding = "same",
                    .activation = "tanh",
                    .implementation = implementation});
             },
         .inputs = {{2, 3, 4, 2}},
         .output = {2, 3, 4, 2},
         .weights = 2});
  }
  check_layer(
      {.layer = [] { return kl::MaxoutDense(3, {.nb_feature = 2}); },
       .inputs = {{2, 4}},
       .output = {2, 3},
       .weights = 2});
  check_layer(
      {.layer = [] { return kl::Highway({.activation = "tanh"}); },
       .inputs = {{2, 3}},
       .output = {2, 3},
       .weights = 4});
  check_layer(
      {.layer = [] { return kl::Maxout(2); },
       .inputs = {{2, 3, 6}},
       .output = {2, 3, 2}});
  check_layer(
      {.layer =
           [] {
             return kl::LocalResponseNormalization(
                 {.depth_radius = 1, .bias = 2, .alpha = 0.5, .beta = 0.75});
           },
       .inputs = {{2, 3, 4}},
       .output = {2, 3, 4}});
  for (const char* mode : {"sum", "mul", "ave", "max"}) {
    check_layer(
        {.layer = [&] { return kl::Merge({.mode = mode}); },
         .inputs = {{2, 3}, {2, 3}},
         .output = {2, 3}});
  }
  check_layer(
      {.layer = [] { return kl::Merge({.mode = "concat"}); },
       .inputs = {{2, 3}, {2, 4}},
       .output = {2, 7}});
  check_layer(
      {.layer = [] { return kl::Merge({.mode = "dot"}); },
       .inputs = {{2, 3, 4}, {2, 5, 4}},
       .output = {2, 3, 5}});
  check_layer(
      {.layer = [] { return kl::Merge({.mode = "cos", .dot_axes = 1}); },
       .inputs = {{2, 3}, {2, 3}},
       .output = {2, 1, 1}});
}

TEST_CASE("locally connected layers have a kernel per position") {
  kl::LocallyConnected1D one(1, 2, {.use_bias = false});
  const Tensor x = array({1, 2, 3}, {1, 3, 1});
  apply(one, x);
  one.set_weights({array({1, 10, 100, 1000}, {2, 2, 1})});
  check_values(apply(one, x), {1, 2, 1}, {21, 3200});
  // The same connections, listed by output.
  kl::LocallyConnected1D three(1, 2, {.use_bias = false, .implementation = 3});
  apply(three, x);
  three.set_weights({array({1, 10, 100, 1000}, {4})});
  check_values(apply(three, x), {1, 2, 1}, {21, 3200});
  // Of implementation 2's kernel [3, 1, 2, 1] only the band counts.
  kl::LocallyConnected1D two(1, 2, {.use_bias = false, .implementation = 2});
  apply(two, x);
  two.set_weights({array({1, 7, 10, 100, 7, 1000}, {3, 1, 2, 1})});
  check_values(apply(two, x), {1, 2, 1}, {21, 3200});
}

TEST_CASE("maxout and local response, by hand") {
  check_values(
      apply(kl::Maxout(2), array({1, 8, 5, 2, 3, 4}, {1, 6})), {1, 2}, {5, 8});
  // 2 / (1 + 2^2 + 1^2), 1 / (1 + 1 + 4)
  check_values(
      apply(
          kl::LocalResponseNormalization({.depth_radius = 1, .beta = 1}),
          array({2, 1}, {1, 2})),
      {1, 2},
      {2.0F / 6, 1.0F / 6});
  check_values(
      apply(kl::ThresholdedReLU(), array({-2, 1, 1.5}, {1, 3})),
      {1, 3},
      {0, 0, 1.5});
}

TEST_CASE("configs of Keras 1 are read") {
  const Layer merge = deserialize_layer(Config::parse(
      R"({"class_name": "Merge", "config": {"name": "merge_1", "mode": "dot",
          "mode_type": "raw", "concat_axis": -1, "dot_axes": [[1], [1]],
          "output_shape": null, "output_shape_type": "raw", "output_mask": null,
          "output_mask_type": "raw", "arguments": {}}})"));
  CHECK(merge.get_config().at("dot_axes").dump() == "[1, 1]");
  CHECK(message_of<InvalidArgument>([] {
          deserialize_layer(Config::parse(
              R"({"class_name": "Merge", "config": {"name": "m", "mode": "4wE=",
                "mode_type": "lambda"}})"));
        }).find("merges by Python code") != std::string::npos);
  const Layer maxout = deserialize_layer(Config::parse(
      R"({"class_name": "MaxoutDense", "config": {"name": "maxoutdense_1",
          "output_dim": 3, "init": "glorot_uniform", "nb_feature": 4,
          "bias": true, "input_dim": 5, "W_regularizer": null}})"));
  CHECK(maxout.get_config().at("nb_feature").as_int() == 4);
}

TEST_CASE("layers of Keras 1 and 2 say what is wrong") {
  CHECK(
      make_error([] {
        kl::LocallyConnected2D(1, 2, {.padding = "same", .name = "l"});
      }) ==
      "[l: LocallyConnected2D] expected padding \"valid\" with implementation "
      "1, got \"same\"; use implementation 2 or 3");
  CHECK(
      call_error(kl::Maxout(4, {.name = "m"}), {2, 6}) ==
      "[m: Maxout] expected num_units that divide the 6 channels of [?,6], got "
      "4");
  CHECK(
      make_error([] { kl::Merge({.mode = "add", .name = "m"}); }) ==
      "[m: Merge] expected mode to be one of \"sum\", \"mul\", \"concat\", "
      "\"ave\", \"cos\", \"dot\", \"max\", got \"add\"");
}

}  // namespace keratin
