// AutoContrast, Equalization, Solarization, RandomGrayscale.

#include <algorithm>
#include <utility>

#include <keratin/ops_image.hpp>

#include "layers/preprocessing/image_layer.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

class AutoContrastImpl final : public ImageLayer {
 public:
  AutoContrastImpl() = default;

  explicit AutoContrastImpl(const ColorOptions& options)
      : ImageLayer(options), value_range_(options.value_range.config()) {
    settle();
  }

  std::string class_name() const override { return "AutoContrast"; }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("value_range", value_range_);
  }

  Transformation transformation(const Draw& draw) const override {
    (void)draw;
    // Keras's axes whatever the data_format: with channels first, one minimum
    // for each column.
    const ops::Axes axes = channels_first() ? ops::Axes{3, 1} : ops::Axes{1, 2};
    return {.images = [=, this](const Value& image) {
      const Value x = change_range(image, values_, {0, 255}, image.dtype());
      const Value low = ops::min(x, axes, true);
      const Value high = ops::max(x, axes, true);
      const Value flat = ops::equal(high, low);
      const Value scale =
          255.0 / ops::where(flat, ops::ones_like(low), high - low);
      const Value y = change_range(
          ops::clip(x * scale - low * scale, 0, 255),
          {0, 255},
          values_,
          image.dtype());
      return ops::where(flat, image, y);
    }};
  }

 protected:
  void settle() override {
    ImageLayer::settle();
    values_ = value_range(value_range_);
  }

  bool works_always() const override { return true; }

  bool is_random() const override { return false; }

 private:
  Config value_range_ = range_config({0, 255});
  Range values_;
};

class EqualizationImpl final : public ImageLayer {
 public:
  EqualizationImpl() = default;

  explicit EqualizationImpl(const EqualizationOptions& options)
      : ImageLayer(options),
        value_range_(options.value_range.config()),
        bins_(options.bins) {
    settle();
  }

  std::string class_name() const override { return "Equalization"; }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("bins", bins_, {.minimum = 1});
    visit("value_range", value_range_);
  }

  Transformation transformation(const Draw& draw) const override {
    (void)draw;
    return {.images = [this](const Value& image) {
      const double scale = 255 / (values_.high - values_.low);
      const Value x = image * scale - values_.low * scale;
      std::vector<Value> channels;
      for (std::int64_t c = 0; c < x.shape()[3]; ++c) {
        channels.push_back(equalized(ops::slice_axis(x, 3, c, c + 1)));
      }
      return ops::concatenate(channels, 3) * (1 / scale) + values_.low;
    }};
  }

 protected:
  void settle() override {
    ImageLayer::settle();
    values_ = value_range(value_range_);
  }

  bool is_random() const override { return false; }

 private:
  /// One channel of the whole batch.
  Value equalized(const Value& x) const {
    const auto last = static_cast<double>(bins_ - 1);
    const Value bin = ops::cast(
        ops::clip(ops::cast(x, DType::f32) * last / 255.0, 0, last),
        DType::i32);
    const Value flat = ops::reshape(bin, {x.shape().size()});
    const Value histogram = ops::scatter_add(
        flat, ops::ones_like(ops::cast(flat, DType::f64)), {bins_});
    const Value sums = ops::cumsum(histogram);
    const auto all = static_cast<double>(x.shape().size());
    const Value first = ops::min(
        ops::where(ops::greater(sums, 0.0), sums, ops::full_like(sums, all)));
    const Value rest = all - first;
    const Value table = ops::clip(
        ops::round(
            (sums - first) * 255.0 /
            ops::where(ops::equal(rest, 0.0), ops::ones_like(rest), rest)),
        0,
        255);
    const Value place =
        ops::cast(ops::clip(x / 255.0 * last, 0, last), DType::i32);
    const Value y = ops::cast(ops::take(table, place), x.dtype());
    const Value used =
        ops::sum(ops::cast(ops::greater(histogram, 0.0), DType::f64));
    return ops::where(ops::less_equal(used, 1.0), x, y);
  }

  Config value_range_ = range_config({0, 255});
  std::int64_t bins_ = 256;
  Range values_;
};

class SolarizationImpl final : public ImageLayer {
 public:
  SolarizationImpl() = default;

  SolarizationImpl(
      const Factor& addition,
      const Factor& threshold,
      const RandomColorOptions& options)
      : ImageLayer(options),
        value_range_(options.value_range.config()),
        addition_factor_(addition.config()),
        threshold_factor_(threshold.config()) {
    seed_ = options.seed;
    settle();
  }

  std::string class_name() const override { return "Solarization"; }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("value_range", value_range_);
    visit("addition_factor", addition_factor_);
    visit("threshold_factor", threshold_factor_);
    visit_seed(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    const Shape each = {draw.batch()};
    const auto number = [&](const Range& range) {
      // As Keras: from the lower factor itself to 255 times the upper one.
      const Range wide = {range.low, range.high * 255};
      return per_image(
          draw.uniform(each, {std::min(wide.low, wide.high), wide.high}));
    };
    const Value more = number(addition_);
    const Value threshold = number(threshold_);
    return {.images = [=, this](const Value& image) {
      const Value x = change_range(image, values_, {0, 255}, image.dtype());
      const Value sum = ops::clip(x + like(x, more), 0, 255);
      const Value y =
          ops::where(ops::less(sum, like(x, threshold)), sum, 255.0 - sum);
      return change_range(y, {0, 255}, values_, image.dtype());
    }};
  }

 protected:
  void settle() override {
    ImageLayer::settle();
    values_ = value_range(value_range_);
    addition_ = strict_range(addition_factor_, "addition_factor", {0, 1}, 0);
    threshold_ = strict_range(threshold_factor_, "threshold_factor", {0, 1}, 0);
    if (!addition_factor_.is_array()) addition_factor_ = zero_to(addition_);
    if (!threshold_factor_.is_array()) threshold_factor_ = zero_to(threshold_);
  }

 private:
  static Config zero_to(const Range& range) {
    return Config::array({Config(0), Config(range.high)});
  }

  Config value_range_ = range_config({0, 255});
  Config addition_factor_ = 0.0;
  Config threshold_factor_ = 0.0;
  Range values_;
  Range addition_;
  Range threshold_;
};

class RandomGrayscaleImpl final : public ImageLayer {
 public:
  RandomGrayscaleImpl() = default;

  RandomGrayscaleImpl(double factor, const RandomImageOptions& options)
      : ImageLayer(options), factor_(factor) {
    seed_ = options.seed;
    settle();
  }

  std::string class_name() const override { return "RandomGrayscale"; }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("factor", factor_, {.minimum = 0, .maximum = 1});
    visit_seed(visit);
  }

  /// Keras forgets the seed; ours is written when there is one.
  Config get_config() const override {
    Config config = ImageLayer::get_config();
    if (!seed_) config.erase("seed");
    return config;
  }

  Transformation transformation(const Draw& draw) const override {
    const Value chosen =
        per_image(ops::less(draw.uniform({draw.batch()}, {0, 1}), factor_));
    return {.images = [=](const Value& x) {
      return ops::where(chosen, ops::image::rgb_to_grayscale(x), x);
    }};
  }

 protected:
  void check_images(const Shape& images) const override {
    if (images[3] == 3 || images[3] == 1) return;
    fail(format("expected 3 channels or 1, got {}", images[3]));
  }

 private:
  double factor_ = 0.5;
};

}  // namespace

std::shared_ptr<LayerImpl> make_auto_contrast() {
  return std::make_shared<AutoContrastImpl>();
}

std::shared_ptr<LayerImpl> make_equalization() {
  return std::make_shared<EqualizationImpl>();
}

std::shared_ptr<LayerImpl> make_solarization() {
  return std::make_shared<SolarizationImpl>();
}

std::shared_ptr<LayerImpl> make_random_grayscale() {
  return std::make_shared<RandomGrayscaleImpl>();
}

AutoContrast::AutoContrast(ColorOptions options)
    : Layer(std::make_shared<AutoContrastImpl>(options)) {}

Equalization::Equalization(EqualizationOptions options)
    : Layer(std::make_shared<EqualizationImpl>(options)) {}

Solarization::Solarization(
    Factor addition_factor, Factor threshold_factor, RandomColorOptions options)
    : Layer(std::make_shared<SolarizationImpl>(
          addition_factor, threshold_factor, options)) {}

RandomGrayscale::RandomGrayscale(double factor, RandomImageOptions options)
    : Layer(std::make_shared<RandomGrayscaleImpl>(factor, options)) {}

}  // namespace keratin::layers
