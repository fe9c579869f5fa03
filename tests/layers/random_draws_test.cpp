// What random layers draw, compared with what Keras's draw.

#include <algorithm>
#include <cmath>

#include "src/ir/graph.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/layers/layer_support.hpp"
#include "tests/layers/random_draws_keras.hpp"

namespace keratin {

using namespace testing;

namespace {

constexpr int kGroups = 50;
constexpr int kImages = 200;

/// The images of random_draws_keras.py.
Tensor images(std::int64_t count) {
  Tensor out(DType::f32, {count, 8, 8, 3});
  auto values = out.mutable_data<float>();
  std::size_t at = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) {
        for (int c = 0; c < 3; ++c) {
          const auto more = static_cast<int>(16 * (i % 16));
          const int value = 37 * y + 71 * x + 113 * c + 29 * x * y + more;
          values[at++] = static_cast<float>(value % 256);
        }
      }
    }
  }
  return out;
}

/// The images of a case in the shape that its layer takes.
Tensor input_of(const KerasDraws& keras) {
  const Tensor x = images(keras.call);
  if (keras.layer.find("SpatialDropout1D") != std::string_view::npos) {
    return x.reshape({keras.call, 64, 3});
  }
  if (keras.layer.find("SpatialDropout3D") != std::string_view::npos) {
    return x.reshape({keras.call, 4, 2, 8, 3});
  }
  return x;
}

/// A layer as a program, its seed moving on from run to run.
class Runner {
 public:
  Runner(const Layer& layer, const Tensor& x) : x_(x) {
    CallContext ctx(graph_, true);
    const Value value = graph_.parameter({x.dtype(), x.shape()}, "x");
    const Value y = layer(ctx, value);
    ctx.finish();
    graph_.set_outputs({y});
    program_.emplace(graph_, find_backend("cpu"));
  }

  Tensor operator()() {
    const std::vector<Tensor> inputs = {x_};
    return program_->run(inputs)[0];
  }

 private:
  Tensor x_;
  Graph graph_;
  std::optional<Program> program_;
};

using Sample = std::array<double, 3>;

/// The image's mean and two of its pixels.
void measure(const Tensor& y, std::vector<Sample>& out) {
  const std::int64_t count = y.shape()[0];
  const std::int64_t size = y.size() / count;
  // A layer of another rank keeps the image's size.
  const std::int64_t width = size == 8 * 8 * 3 ? 8 : y.shape()[2];
  const auto values = y.data<float>();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto image = values.subspan(
        static_cast<std::size_t>(i * size), static_cast<std::size_t>(size));
    double sum = 0;
    for (const float value : image) sum += value;
    out.push_back(
        {sum / static_cast<double>(size),
         image[static_cast<std::size_t>((width + 2) * 3)],
         image[static_cast<std::size_t>((4 * width + 3) * 3 + 1)]});
  }
}

bool thin_tails(const std::string& name) {
  return name == "RandomPerspective" || name == "RandomElasticTransform" ||
         name == "AugMix" || name.find("Gaussian") != std::string::npos ||
         name.find("Dropout") != std::string::npos;
}

}  // namespace

TEST_CASE("10,000 draws of random layers are spread as Keras's") {
  for (const KerasDraws& keras : keras_draws()) {
    const Config config = Config::parse(keras.layer, "fixture");
    const Layer layer = deserialize_layer(config, "fixture");
    CAPTURE(layer.class_name());
    const Tensor x = input_of(keras);
    Shape any = x.shape();
    any[0] = kUnknown;
    layer.impl().ensure_built({any});
    REQUIRE(layer.impl().seeds().size() == 1);
    for (Variable seed : layer.impl().seeds()) {
      seed.assign(Tensor(std::vector<std::uint32_t>{1, 0}));
    }
    Runner run(layer, x);
    std::vector<Sample> samples;
    while (samples.size() < std::size_t{kGroups} * kImages) {
      measure(run(), samples);
    }
    const auto count = static_cast<double>(samples.size());
    for (std::size_t k = 0; k < 3; ++k) {
      CAPTURE(k);
      const KerasMeasure& want = keras.measures[k];
      double mean = 0;
      double low = samples[0][k];
      double high = low;
      for (const Sample& sample : samples) {
        mean += sample[k] / count;
        low = std::min(low, sample[k]);
        high = std::max(high, sample[k]);
      }
      double variance = 0;
      for (const Sample& sample : samples) {
        variance += (sample[k] - mean) * (sample[k] - mean) / count;
      }
      // Both sides are samples; rounding for numbers that never change.
      const double spread = want.high - want.low;
      const double rounding = 1e-4 * std::max(1.0, std::abs(want.mean));
      CHECK(std::abs(mean - want.mean) <= 6 * want.mean_error + rounding);
      CHECK(
          std::abs(variance - want.variance) <=
          6 * want.variance_error + rounding);
      // The ends of a range are all but reached in so many draws, if not by
      // means over images and by pixels that many numbers or normal noise move.
      const double slack = thin_tails(layer.class_name()) ? 0.25 : 0.05;
      CHECK(std::abs(low - want.low) <= slack * spread + rounding);
      CHECK(std::abs(high - want.high) <= slack * spread + rounding);
    }
  }
}

TEST_CASE("one seed of a random layer gives one result") {
  for (const KerasDraws& keras : keras_draws()) {
    const Tensor x = input_of(keras).slice(0, 4);
    Config config = Config::parse(keras.layer, "fixture");
    config["config"]["seed"] = 17;
    const Layer a = deserialize_layer(config, "fixture");
    const Layer b = deserialize_layer(config, "fixture");
    CAPTURE(a.class_name());
    Runner first(a, x);
    Runner second(b, x);
    const Tensor once = first();
    CHECK(once == second());
    // The next calls draw anew, and alike.
    bool changes = false;
    for (int i = 0; i < 6; ++i) {
      const Tensor next = first();
      CHECK(next == second());
      changes = changes || next != once;
    }
    CHECK(changes);
  }
}

}  // namespace keratin
