// Weights from a file and from the net; the net is a server of our own.

#include "models/zoo/weights.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include <keratin/applications.hpp>
#include <keratin/error.hpp>
#include <keratin/io/npy.hpp>

#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/range_server.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

namespace apps = applications;
namespace fs = std::filesystem;
using testing::message_of;

namespace {

/// A mirror of Keras's public addresses, and an empty cache.
struct Fixture {
  testing::TempDir served;
  testing::TempDir cache;
  testing::TempDir data;
  testing::RangeServer server{served.path()};
  env::ScopedSetting cache_setting{"KERATIN_CACHE", cache.path().string()};
  env::ScopedSetting data_setting{"KERATIN_DATA", data.path().string()};
  env::ScopedSetting offline{"KERATIN_OFFLINE", "0"};
  env::ScopedSetting mirror{"KERATIN_MIRROR", server.url("")};
};

/// The real MobileNet of 1/4 width.
fs::path real_mobilenet() {
  return testing::data_dir() / "weights/mobilenet_v1_0.25_224_imagenet_full.h5";
}

#define SKIP_WITHOUT(condition, reason) \
  if (!(condition)) KERATIN_SKIP(reason)

}  // namespace

TEST_CASE("Published weights are fetched once, from the right address") {
  const Fixture f;
  SKIP_WITHOUT(f.server.running(), "python3 cannot be started");
  SKIP_WITHOUT(fs::exists(real_mobilenet()), "the real MobileNet is missing");
  fs::copy_file(real_mobilenet(), f.served / "mobilenet_2_5_224_tf.h5");
  const Model fetched = apps::MobileNet({.alpha = 0.25});
  CHECK(fs::exists(f.cache / "models/mobilenet_2_5_224_tf.h5"));
  const env::ScopedSetting offline("KERATIN_OFFLINE", "1");
  const Model cached = apps::MobileNet({.alpha = 0.25});
  const Model local =
      apps::MobileNet({.alpha = 0.25, .weights = real_mobilenet().string()});
  for (const char* const layer : {"conv1", "conv_pw_13", "conv_preds"}) {
    const auto kernel = [&](const Model& model) {
      return model.get_layer(layer).get_weights()[0].to_vector<float>();
    };
    CHECK(kernel(fetched) == kernel(local));
    CHECK(kernel(cached) == kernel(local));
  }
}

TEST_CASE("Published weights with another checksum are refused") {
  const Fixture f;
  SKIP_WITHOUT(f.server.running(), "python3 cannot be started");
  testing::write_file(f.served / "efficientnetb0.h5", "no weights");
  const std::string what =
      message_of<SystemError>([] { apps::EfficientNetB0(); });
  CAPTURE(what);
  CHECK(
      what.find("/keras-applications/efficientnetb0.h5: checksum differs: "
                "expected MD5 902e53a9f72be733fc0bcb005b3ebbac, got ") !=
      std::string::npos);
  CHECK(fs::is_empty(f.cache / "models"));
}

TEST_CASE("Published weights that are not there are told with the address") {
  const Fixture f;
  SKIP_WITHOUT(f.server.running(), "python3 cannot be started");
  const std::string what = message_of<SystemError>(
      [] { apps::MobileNetV2({.alpha = 0.35, .include_top = false}); });
  CAPTURE(what);
  CHECK(
      what.find("/tensorflow/keras-applications/mobilenet_v2/"
                "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_"
                "no_top.h5: transfer failed") != std::string::npos);
  CHECK(what.find("404") != std::string::npos);
}

TEST_CASE("A file of weights in the data folder is taken from there") {
  const Fixture f;
  const env::ScopedSetting offline("KERATIN_OFFLINE", "1");
  CHECK(
      message_of<SystemError>([] {
        apps::fetch_weights({"https://host/a/b.h5", ""});
      }).find("KERATIN_OFFLINE forbids to fetch it from") != std::string::npos);
  testing::write_file(f.data / "b.h5", "anything");
  CHECK(
      apps::fetch_weights({"https://host/a/b.h5", ""}) ==
      (f.data / "b.h5").string());
}

TEST_CASE("The real SqueezeNet sees the same in both orders of kernels") {
  const auto path = [](const char* order) {
    return testing::data_dir() / "weights" /
           format("squeezenet_weights_{}_notop.h5", order);
  };
  const fs::path ours = path("tf_dim_ordering_tf_kernels");
  const fs::path theanos = path("th_dim_ordering_th_kernels");
  SKIP_WITHOUT(
      fs::exists(ours) && fs::exists(theanos),
      "the real SqueezeNet is missing");
  const auto features = [](const fs::path& file) {
    Model model = apps::SqueezeNet1_1(
        {.include_top = false,
         .weights = file.string(),
         .input_shape = Shape{64, 64, 3}});
    std::vector<float> picture(64 * 64 * 3);
    for (std::size_t i = 0; i < picture.size(); ++i) {
      picture[i] = static_cast<float>(i * 37 % 255) - 117.0F;
    }
    return model.predict(Tensor(picture, {1, 64, 64, 3}));
  };
  const Tensor plain = features(ours);
  CHECK(plain.shape().back() == 512);
  const auto values = plain.to_vector<double>();
  CHECK(*std::max_element(values.begin(), values.end()) > 0);
  CHECK(features(theanos) == plain);
}

TEST_CASE("The real MobileNet sees what it should") {
  SKIP_WITHOUT(fs::exists(real_mobilenet()), "the real MobileNet is missing");
  const fs::path golden =
      testing::data_dir() / "weights/golden_mobilenet_v1_0.25/golden.npz";
  SKIP_WITHOUT(fs::exists(golden), "the golden pictures are missing");
  const auto arrays = io::load_npz(golden.string());
  Model model =
      apps::MobileNet({.alpha = 0.25, .weights = real_mobilenet().string()});
  const Tensor probabilities =
      model.predict(apps::mobilenet::preprocess_input(arrays.at("images")));
  const auto ours = probabilities.to_vector<double>();
  const auto expected = arrays.at("probs").to_vector<double>();
  REQUIRE(ours.size() == expected.size());
  double worst = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    worst = std::max(worst, std::abs(ours[i] - expected[i]));
  }
  CHECK(worst <= 1e-4);
  const auto rows = apps::decode_predictions(
      probabilities,
      1,
      (testing::data_dir() / "weights/imagenet_class_index.json").string());
  CHECK(rows[0][0].description == "cock");
}

}  // namespace keratin
