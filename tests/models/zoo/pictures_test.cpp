#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/applications.hpp>
#include <keratin/error.hpp>

#include "src/core/env.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

namespace apps = applications;
using testing::message_of;

namespace {

/// Two pixels of 0 to 255.
Tensor pixels() {
  return Tensor(std::vector<float>{10, 20, 30, 255, 0, 128}, {1, 2, 3});
}

void check_close(const Tensor& got, const std::vector<double>& expected) {
  const auto values = got.to_vector<double>();
  REQUIRE(values.size() == expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(values[i] == doctest::Approx(expected[i]).epsilon(1e-6));
  }
}

std::string class_index(std::size_t count) {
  std::string text = "{";
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    text += (i > 0 ? ", " : "") + ("\"" + number + "\": [\"n" + number) +
            "\", \"thing_" + number + "\"]";
  }
  return text + "}";
}

}  // namespace

TEST_CASE("preprocess_input does what keras.applications do") {
  // Numbers of keras.applications.imagenet_utils.preprocess_input.
  check_close(
      apps::preprocess_input(pixels(), "tf"),
      {-0.92156863, -0.84313726, -0.7647059, 1, -1, 0.00392163});
  check_close(
      apps::preprocess_input(pixels(), "torch"),
      {-1.9466564, -1.6855742, -1.2815686, 2.2489083, -2.0357144, 0.4264923});
  check_close(
      apps::preprocess_input(pixels()),
      {30 - 103.939,
       20 - 116.779,
       10 - 123.68,
       128 - 103.939,
       -116.779,
       255 - 123.68});
  CHECK(
      apps::preprocess_input(pixels(), "none").to_vector<float>() ==
      pixels().to_vector<float>());
}

TEST_CASE("preprocess_input knows where the channels are") {
  // Channels first: planes of two pixels.
  const Tensor planes(std::vector<float>{10, 255, 20, 0, 30, 128}, {3, 1, 2});
  check_close(
      apps::preprocess_input(planes, "caffe", "channels_first"),
      {30 - 103.939,
       128 - 103.939,
       20 - 116.779,
       -116.779,
       10 - 123.68,
       255 - 123.68});
  const Tensor bytes = pixels().cast(DType::u8).reshape({1, 1, 2, 3});
  const Tensor out = apps::resnet50::preprocess_input(bytes);
  CHECK(out.dtype() == DType::f32);
  CHECK(out.shape() == Shape{1, 1, 2, 3});
  CHECK(
      apps::preprocess_input(pixels().cast(DType::f64)).dtype() == DType::f64);
}

TEST_CASE("Each of Keras's modules has its own preprocessing") {
  const auto first = [](const Tensor& x) { return x.at(0); };
  CHECK(first(apps::vgg16::preprocess_input(pixels())) < -70);
  CHECK(first(apps::mobilenet::preprocess_input(pixels())) > -1);
  CHECK(first(apps::densenet::preprocess_input(pixels())) < -1.9);
  CHECK(first(apps::efficientnet::preprocess_input(pixels())) == 10);
  for (const apps::ApplicationInfo& info : apps::list()) {
    CAPTURE(info.name);
    CHECK_NOTHROW(apps::preprocess_input(pixels(), info.preprocessing));
  }
}

TEST_CASE("preprocess_input refuses what is no picture") {
  CHECK(
      message_of<InvalidArgument>(
          [] { apps::preprocess_input(pixels(), "kaffe"); }) ==
      "[preprocess_input] expected mode 'caffe', 'tf', 'torch' or 'none', got "
      "'kaffe'; did you mean \"caffe\"?");
  CHECK(
      message_of<InvalidArgument>([] {
        apps::preprocess_input(Tensor(DType::f32, {2, 2, 4}), "torch");
      }) ==
      "[preprocess_input] expected pictures of 3 channels (channels_last), "
      "with or without a batch axis, got (2, 2, 4)");
  CHECK_THROWS_AS(
      apps::preprocess_input(Tensor(DType::f32, {3}), "torch"),
      InvalidArgument);
  CHECK_THROWS_AS(
      apps::preprocess_input(pixels(), "tf", "channels_middle"),
      InvalidArgument);
}

TEST_CASE("decode_predictions names the likeliest classes") {
  const testing::TempDir dir;
  const std::string index = (dir / "index.json").string();
  testing::write_file(index, class_index(1000));
  std::vector<float> scores(2000, 0.0F);
  scores[7] = 0.5F;
  scores[999] = 0.25F;
  scores[1003] = 1.0F;
  const auto rows =
      apps::decode_predictions(Tensor(scores, {2, 1000}), 2, index);
  REQUIRE(rows.size() == 2);
  REQUIRE(rows[0].size() == 2);
  CHECK(rows[0][0].class_name == "n7");
  CHECK(rows[0][0].description == "thing_7");
  CHECK(rows[0][0].score == 0.5);
  CHECK(rows[0][1].class_name == "n999");
  CHECK(rows[1][0].class_name == "n3");
}

TEST_CASE("decode_predictions refuses other shapes and files") {
  const testing::TempDir dir;
  const std::string index = (dir / "index.json").string();
  const Tensor scores(DType::f32, {1, 1000});
  CHECK(message_of<InvalidArgument>([&] {
          apps::decode_predictions(Tensor(DType::f32, {1, 10}), 5, index);
        }) == "[decode_predictions] expected (samples, 1000), got (1, 10)");
  CHECK_THROWS_AS(apps::decode_predictions(scores, 0, index), InvalidArgument);
  CHECK_THROWS_AS(apps::decode_predictions(scores, 5, index), SystemError);
  testing::write_file(index, class_index(999));
  CHECK(
      message_of<InvalidArgument>([&] {
        apps::decode_predictions(scores, 5, index);
      }).find("class 999 is missing or of another form") != std::string::npos);
}

TEST_CASE("The class index is looked for in the data folder, then the cache") {
  const testing::TempDir data;
  const testing::TempDir cache;
  const env::ScopedSetting data_setting("KERATIN_DATA", data.path().string());
  const env::ScopedSetting cache_setting(
      "KERATIN_CACHE", cache.path().string());
  const env::ScopedSetting offline("KERATIN_OFFLINE", "1");
  const Tensor scores(DType::f32, {1, 1000});
  CHECK(message_of<SystemError>([&] {
          apps::decode_predictions(scores);
        }).find("KERATIN_OFFLINE forbids") != std::string::npos);
  std::filesystem::create_directory(data / "weights");
  testing::write_file(
      data / "weights/imagenet_class_index.json", class_index(1000));
  CHECK(apps::decode_predictions(scores)[0].size() == 5);
}

}  // namespace keratin
