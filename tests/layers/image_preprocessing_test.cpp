#include <keratin/ops_image.hpp>

#include "src/ir/graph.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;
namespace image = ops::image;

namespace {

/// 1, 2, 3, ... as one image of one channel.
Tensor ramp(std::int64_t height, std::int64_t width) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < height * width; ++i) {
    values.push_back(static_cast<double>(i + 1));
  }
  return array(values, {1, height, width, 1});
}

std::vector<double> numbers(const Tensor& x) {
  return x.cast(DType::f64).to_vector<double>();
}

/// An operation on arrays, on the reference backend.
template <class F>
Tensor compute(const std::vector<Tensor>& inputs, const F& f) {
  Graph graph;
  std::vector<Value> values;
  for (const Tensor& x : inputs) {
    values.push_back(graph.parameter({x.dtype(), x.shape()}, "x"));
  }
  graph.set_outputs({f(values)});
  Program program(graph, find_backend("reference"));
  return program.run(inputs)[0];
}

}  // namespace

TEST_CASE("image layers keep the layer contract") {
  check_layer(
      {.layer = [] { return kl::Resizing(3, 5); },
       .inputs = {{2, 4, 6, 2}},
       .output = {2, 3, 5, 2}});
  check_layer(
      {.layer =
           [] {
             return kl::CenterCrop(3, 2, {.data_format = "channels_first"});
           },
       .inputs = {{2, 2, 4, 5}},
       .output = {2, 2, 3, 2}});
  check_layer(
      {.layer = [] { return kl::RandomFlip(); },
       .inputs = {{2, 3, 4, 2}},
       .output = {2, 3, 4, 2}});
  check_layer(
      {.layer =
           [] {
             return kl::RandomBrightness(0.1, {.value_range = {-9, 9}});
           },
       .inputs = {{2, 3, 4, 2}},
       .output = {2, 3, 4, 2}});
  check_layer(
      {.layer =
           [] {
             return kl::RandomContrast(0.1, {.value_range = {-9, 9}});
           },
       .inputs = {{2, 3, 4, 2}},
       .output = {2, 3, 4, 2}});
  check_layer(
      {.layer = [] { return kl::MixUp(0.5); },
       .inputs = {{3, 3, 4, 2}},
       .output = {3, 3, 4, 2}});
  // Pixels are read in float32 whatever the dtype, as TensorFlow reads them, so
  // that finite differences of 1e-5 see its roundings.
  constexpr double kRead = 2e-2;
  check_layer(
      {.layer =
           [] {
             return kl::RandomZoom({0.3, 0.3});
           },
       .inputs = {{2, 4, 5, 1}},
       .output = {2, 4, 5, 1},
       .gradient_tolerance = kRead});
  check_layer(
      {.layer =
           [] {
             return kl::RandomRotation({0.1, 0.1}, {.fill_mode = "constant"});
           },
       .inputs = {{2, 4, 5, 1}},
       .output = {2, 4, 5, 1},
       .gradient_tolerance = kRead});
}

TEST_CASE("random image layers leave images alone outside training") {
  const Tensor x = ramp(4, 4);
  const std::vector<Layer> random = {
      kl::RandomFlip(),
      kl::RandomRotation(0.5),
      kl::RandomTranslation(0.5, 0.5),
      kl::RandomZoom(0.5),
      kl::RandomShear(0.5, 0.5),
      kl::RandomPerspective(),
      kl::RandomElasticTransform(),
      kl::RandomBrightness(0.5),
      kl::RandomContrast(0.5),
      kl::RandomInvert(),
      kl::RandomPosterization(3),
      kl::RandomSharpness(0.5),
      kl::RandomGaussianBlur(),
      kl::RandomErasing(),
      kl::RandomCrop(2, 2),
      kl::Equalization(),
      kl::Solarization(0.5, 0.5),
      kl::MixUp(),
      kl::CutMix()};
  for (const Layer& layer : random) {
    CAPTURE(layer.class_name());
    CHECK(apply(layer, x) == x);
  }
}

TEST_CASE("pixels move as Keras moves them") {
  const auto moved = [](const Layer& layer, const Tensor& x) {
    return numbers(apply(layer, x, true));
  };
  using Numbers = std::vector<double>;
  // One pixel to the right; what enters is reflected, wrapped, ...
  const Tensor row = ramp(1, 4);
  const auto shift = [](const char* mode) {
    return kl::RandomTranslation(
        {0, 0}, {0.25, 0.25}, {.fill_mode = mode, .fill_value = 9});
  };
  CHECK(moved(shift("reflect"), row) == Numbers{1, 1, 2, 3});
  CHECK(moved(shift("wrap"), row) == Numbers{4, 1, 2, 3});
  CHECK(moved(shift("nearest"), row) == Numbers{1, 1, 2, 3});
  CHECK(moved(shift("constant"), row) == Numbers{9, 1, 2, 3});
  // A quarter turn, clockwise as the factor is positive... in Keras's words.
  const Tensor square = ramp(2, 2);
  check_close(
      apply(kl::RandomRotation({0.5, 0.5}), square, true),
      array({4, 3, 2, 1}, {1, 2, 2, 1}),
      1e-5);
  // Half the zoom shows the middle twice as large.
  check_close(
      apply(kl::RandomZoom({-0.5, -0.5}), ramp(1, 3), true),
      array({1.5, 2, 2.5}, {1, 1, 3, 1}),
      1e-5);
  CHECK(
      moved(kl::RandomCrop(1, 4), ramp(2, 4)).size() == 4);  // no room: resized
}

TEST_CASE("colours change as computed by hand") {
  const Tensor x = array({10, 20, 30, 40}, {1, 2, 2, 1});
  check_values(
      apply(kl::RandomBrightness({0.1, 0.1}), x, true),
      {1, 2, 2, 1},
      {35.5, 45.5, 55.5, 65.5});
  check_values(apply(kl::AutoContrast(), x), {1, 2, 2, 1}, {0, 85, 170, 255});
  check_values(
      apply(kl::RandomInvert({1, 1}, {.value_range = {0, 100}}), x, true),
      {1, 2, 2, 1},
      {90, 80, 70, 60});
  check_values(
      apply(
          kl::RandomPosterization({3, 3}),
          array({31, 32, 255, 64}, {1, 2, 2, 1}),
          true),
      {1, 2, 2, 1},
      {0, 32, 224, 64});
  check_values(
      apply(
          kl::Solarization({0, 0}, {1, 1}), array({0, 1, 0, 1}, {1, 2, 2, 1})),
      {1, 2, 2, 1},
      {0, 1, 0, 1});
  check_values(
      apply(kl::Equalization(), x, true), {1, 2, 2, 1}, {0, 85, 170, 255});
  const Tensor rgb = array({255, 0, 0}, {1, 1, 1, 3});
  check_close(
      apply(kl::RandomGrayscale(1), rgb, true),
      array({76.2195, 76.2195, 76.2195}, {1, 1, 1, 3}),
      1e-6);
  check_close(
      apply(kl::RandomColorDegeneration({1, 1}), rgb, true),
      array({76.2195, 76.2195, 76.2195}, {1, 1, 1, 3}),
      1e-6);
  const Tensor hsv = compute(
      {array({1, 0.5, 0.5, 0, 0, 0, 0, 0, 1}, {1, 1, 3, 3})},
      [](const auto& v) { return image::rgb_to_hsv(v[0]); });
  check_close(
      hsv, array({0, 0.5, 1, 0, 0, 0, 2.0 / 3, 1, 1}, {1, 1, 3, 3}), 1e-6);
  check_close(
      compute({hsv}, [](const auto& v) { return image::hsv_to_rgb(v[0]); }),
      array({1, 0.5, 0.5, 0, 0, 0, 0, 0, 1}, {1, 1, 3, 3}),
      1e-6);
}

TEST_CASE("Resizing keeps integers and rounds them; one image needs no batch") {
  const Tensor bytes(std::vector<std::uint8_t>{0, 255}, {1, 2, 1});
  const Tensor y = apply(kl::Resizing(1, 4), bytes);
  CHECK(y.dtype() == DType::u8);
  check_values(y, {1, 4, 1}, {0, 64, 191, 255});
  const Tensor brighter = apply(kl::RandomBrightness({0.2, 0.2}), bytes, true);
  CHECK(brighter.dtype() == DType::f32);
  check_values(brighter, {1, 2, 1}, {51, 255});
  check_values(
      apply(
          kl::Resizing(2, 2, {.pad_to_aspect_ratio = true, .fill_value = 7}),
          array({1, 1, 1, 1}, {1, 4, 1})),
      {2, 2, 1},
      {5.5, 5.5, 5.5, 5.5});
  check_values(
      apply(
          kl::Resizing(1, 2, {.interpolation = "area"}),
          array({1, 3, 5, 9}, {1, 1, 4, 1})),
      {1, 1, 2, 1},
      {2, 7});
}

TEST_CASE("operations on images") {
  const Tensor x = ramp(3, 3);
  const Tensor shift = array({1, 0, 1, 0, 1, 0, 0, 0}, {8});
  check_values(
      compute(
          {x, shift},
          [](const auto& v) {
            return image::affine_transform(v[0], v[1], {.fill_value = -1});
          }),
      {1, 3, 3, 1},
      {2, 3, -1, 5, 6, -1, 8, 9, -1});
  // Corners of the left two thirds drawn over the whole image.
  const Tensor start = array({0, 0, 1, 0, 0, 2, 1, 2}, {4, 2});
  const Tensor end = array({0, 0, 2, 0, 0, 2, 2, 2}, {4, 2});
  check_values(
      compute(
          {x, start, end},
          [](const auto& v) {
            return image::perspective_transform(v[0], v[1], v[2]);
          }),
      {1, 3, 3, 1},
      {1, 1.5, 2, 4, 4.5, 5, 7, 7.5, 8});
  check_values(
      compute(
          {array({1, 2, 3, 4}, {2, 2}), array({0.5, 1, 0.5, 5}, {2, 2})},
          [](const auto& v) {
            return image::map_coordinates(v[0], v[1], 1, "nearest");
          }),
      {2},
      {2.5, 4});
  check_values(
      compute(
          {x},
          [](const auto& v) {
            return image::crop_images(v[0], {.top = 1, .right = 1});
          }),
      {1, 2, 2, 1},
      {4, 5, 7, 8});
  check_values(
      compute(
          {array({5}, {1, 1, 1})},
          [](const auto& v) {
            return image::pad_images(v[0], {.left = 1, .bottom = 1});
          }),
      {2, 2, 1},
      {0, 5, 0, 0});
  check_values(
      compute(
          {x},
          [](const auto& v) {
            return image::extract_patches(v[0], {2, 2}, {.strides = {1, 1}});
          }),
      {1, 2, 2, 4},
      {1, 2, 4, 5, 2, 3, 5, 6, 4, 5, 7, 8, 5, 6, 8, 9});
  const Tensor blurred =
      compute({Tensor::full(DType::f32, {1, 5, 5, 2}, 3)}, [](const auto& v) {
        return image::gaussian_blur(v[0], {3, 3}, {0.8, 0.8});
      });
  CHECK(blurred.at(2 * 10 + 2 * 2) == doctest::Approx(3));  // away from edges
}

TEST_CASE("numbers of real Keras") {
  // Computed by Keras 3.15.1.
  const Tensor x = array(
      {10, 20, 30, 200, 10, 40, 30, 220, 90, 80, 70, 60, 5, 6, 7, 8},
      {1, 4, 4, 1});
  const auto like_keras = [](const Tensor& got,
                             const std::vector<double>& want) {
    check_close(
        got.reshape({got.size()}),
        Tensor(want, {static_cast<std::int64_t>(want.size())}),
        1e-6);
  };
  like_keras(
      apply(
          kl::ContrastLimitedAdaptiveHistogramEqualization(
              {.clip_limit = 40, .tile_grid_size = {2, 2}}),
          x),
      {45.2293587,
       90.4587173,
       75.7981644,
       185.908264,
       45.2293587,
       140.990829,
       75.7981644,
       236.440369,
       180.390442,
       155.917542,
       131.432449,
       106.947357,
       41.7726173,
       82.0488968,
       62.4718819,
       82.7970657});
  like_keras(
      apply(kl::Equalization({.bins = 16}), x, true),
      {0, 76, 76, 230, 0, 102, 76, 255, 204, 178, 178, 128, 0, 0, 0, 0});
  const Tensor start = array({0, 0, 3, 0, 0, 3, 3, 3}, {4, 2});
  const Tensor end = array({0.5, 0.2, 2.6, 0, 0, 3.3, 3.2, 2.9}, {4, 2});
  like_keras(
      compute(
          {x, start, end},
          [](const auto& v) {
            return image::perspective_transform(
                v[0], v[1], v[2], {.fill_value = 1});
          }),
      {2.17814755,
       13.1020098,
       48.8659325,
       86.9518051,
       5.82024908,
       39.2581711,
       41.7146683,
       125.326157,
       68.5165710,
       72.5867691,
       57.0115662,
       43.8647919,
       21.0292053,
       14.6220675,
       8.98988628,
       7.45878649});
  const auto read = [&](const char* mode) {
    return compute(
        {x.reshape({4, 4}), array({-0.7, 1.2, 5.5, 2.2, -1.4, 0.3}, {2, 3})},
        [&](const auto& v) {
          return image::map_coordinates(v[0], v[1], 1, mode);
        });
  };
  like_keras(read("reflect"), {66.8000107, 44, 53});
  like_keras(read("wrap"), {24.2400036, 128, 53});
  like_keras(
      compute(
          {x},
          [](const auto& v) {
            return image::gaussian_blur(v[0], {3, 5}, {0.5, 1.5});
          }),
      {7.95968199,
       17.2329082,
       37.9996300,
       58.3276596,
       20.0444756,
       65.3267441,
       47.7403679,
       75.3843307,
       32.2867584,
       68.5234833,
       34.3746529,
       25.5034943,
       17.5384254,
       24.2672539,
       13.2699862,
       10.6116199});
}

TEST_CASE("labels, masks and boxes go with their images") {
  kl::ImageData data;
  data.images = ramp(2, 4);
  data.segmentation_masks = ramp(2, 4);
  data.labels = array({0, 1}, {1, 2});
  data.boxes = array({0, 0, 2, 1, 3, 0, 4, 2}, {1, 2, 4});
  data.box_labels = array({5, 6}, {1, 2});
  // Two pixels to the right.
  const kl::ImageData right = kl::augment(
      kl::RandomTranslation(
          {0, 0},
          {0.5, 0.5},
          {.fill_mode = "constant", .bounding_box_format = "xyxy"}),
      data);
  check_values(right.images, {1, 2, 4, 1}, {0, 0, 1, 2, 0, 0, 5, 6});
  CHECK(right.segmentation_masks == right.images);
  CHECK(right.labels == data.labels);
  check_values(right.boxes, {1, 2, 4}, {2, 0, 4, 1, 4, 0, 4, 2});
  check_values(right.box_labels, {1, 2}, {5, -1});  // nothing is left of it
  // Resized to twice the size.
  const kl::ImageData large = kl::augment(
      kl::Resizing(4, 8, {.bounding_box_format = "xyxy"}), data, false);
  check_values(large.boxes, {1, 2, 4}, {0, 0, 4, 2, 6, 0, 8, 4});
  CHECK(large.segmentation_masks.shape() == Shape{1, 4, 8, 1});
  // Half a turn, in another format: centre, width, height.
  data.boxes = array({1, 0.5, 2, 1}, {1, 1, 4});
  data.box_labels = array({5}, {1, 1});
  const kl::ImageData turned = kl::augment(
      kl::RandomRotation({0.5, 0.5}, {.bounding_box_format = "center_xywh"}),
      data);
  // Keras turns about the middle of the first and last pixel.
  check_close(turned.boxes, array({2, 0.5, 2, 1}, {1, 1, 4}), 1e-5);
  const kl::ImageData cut = kl::augment(
      kl::MaxNumBoundingBoxes(2, {.bounding_box_format = "xywh"}), data);
  check_values(cut.boxes, {1, 2, 4}, {1, 0.5, 2, 1, -1, -1, -1, -1});
  check_values(cut.box_labels, {1, 2}, {5, -1});
}

TEST_CASE("MixUp and CutMix blend labels as they blend images") {
  kl::ImageData data;
  data.images = Tensor(DType::f32, {4, 6, 6, 1});
  auto pixels = data.images.mutable_data<float>();
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const std::size_t picture = i / 36;
    pixels[i] = static_cast<float>(picture);
  }
  data.labels = array({1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, {4, 4});
  const std::vector<Layer> layers = {
      kl::MixUp(1, {.seed = 5}), kl::CutMix({1, 1}, {.seed = 5})};
  for (const Layer& layer : layers) {
    CAPTURE(layer.class_name());
    const kl::ImageData mixed = kl::augment(layer, data);
    const auto labels = numbers(mixed.labels);
    for (std::size_t i = 0; i < 4; ++i) {
      double sum = 0;
      double expected = 0;  // the class number that labels the blend
      for (std::size_t c = 0; c < 4; ++c) {
        sum += labels[4 * i + c];
        expected += static_cast<double>(c) * labels[4 * i + c];
      }
      CHECK(sum == doctest::Approx(1));
      double mean = 0;
      for (std::int64_t p = 0; p < 36; ++p) {
        mean += mixed.images.at(static_cast<std::int64_t>(i) * 36 + p) / 36;
      }
      // CutMix's rectangle has borders within pixels.
      const double slack = layer.class_name() == "MixUp" ? 1e-5 : 1.0;
      CHECK(std::abs(mean - expected) <= slack);
    }
    CHECK(kl::augment(layer, data, false).images == data.images);
  }
}

TEST_CASE("a Pipeline runs its layers, comes back from its config") {
  const kl::Pipeline pipeline(
      {kl::RandomBrightness({0.1, 0.1}),
       kl::Rescaling(2.0),
       kl::CenterCrop(1, 1)},
      "p");
  const Tensor x = ramp(3, 3);
  check_values(apply(pipeline, x, true), {1, 1, 1, 1}, {61});
  check_values(apply(pipeline, x), {1, 1, 1, 1}, {10});
  const Layer again = deserialize_layer(serialize(pipeline.impl()));
  CHECK(again.get_config() == pipeline.get_config());
  check_values(apply(again, x, true), {1, 1, 1, 1}, {61});
}

TEST_CASE("image layers say what is wrong") {
  CHECK(
      make_error([] { kl::RandomRotation(1.5, {.name = "n"}); }) ==
      "[n: RandomRotation] expected factor to be a number or two in [-1, 1], "
      "got 1.5");
  CHECK(make_error([] {
          kl::RandomZoom({-1, 0}, {.name = "n"});
        }) == "[n: RandomZoom] expected height_factor > -1, got [-1, 0.0]");
  CHECK(
      make_error([] { kl::RandomFlip("sideways", {.name = "n"}); }) ==
      "[n: RandomFlip] expected mode to be one of \"horizontal\", "
      "\"vertical\", \"horizontal_and_vertical\", got \"sideways\"");
  CHECK(
      make_error([] {
        kl::Resizing(
            2,
            2,
            {.crop_to_aspect_ratio = true,
             .pad_to_aspect_ratio = true,
             .name = "n"});
      }) ==
      "[n: Resizing] expected one of crop_to_aspect_ratio and "
      "pad_to_aspect_ratio, got both");
  CHECK(
      make_error(
          [] { kl::RandomGaussianBlur({.kernel_size = 4, .name = "n"}); }) ==
      "[n: RandomGaussianBlur] expected kernel_size to be an odd number or "
      "two, got [4, 4]");
  CHECK(
      call_error(kl::RandomHue(0.1, {.name = "n"}), {1, 2, 2, 1}) ==
      "[n: RandomHue] expected 3 channels, got 1");
  CHECK(
      call_error(kl::AutoContrast({.name = "n"}), {2, 2}) ==
      "[n: AutoContrast] expected one image of rank 3 or a batch of rank 4, "
      "got [?,2]");
  kl::ImageData data;
  data.images = ramp(2, 2);
  data.boxes = array({0, 0, 1, 1}, {1, 1, 4});
  CHECK(
      make_error([&] {
        kl::augment(kl::RandomFlip("vertical", {.name = "n"}), data);
      }) ==
      "[n: RandomFlip] got boxes but no bounding_box_format; give it, e.g. "
      ".bounding_box_format = \"xyxy\"");
  CHECK(
      make_error([&] {
        kl::augment(
            kl::RandomFlip(
                "vertical", {.bounding_box_format = "xyx", .name = "n"}),
            data);
      })
          .starts_with("[n: RandomFlip] expected bounding_box_format to be one "
                       "of \"xyxy\""));
}

}  // namespace keratin
