// RandomBrightness, RandomContrast, RandomHue, RandomSaturation,
// RandomColorDegeneration, RandomPosterization, RandomSharpness, RandomInvert.

#include <utility>

#include <keratin/ops_image.hpp>

#include "layers/preprocessing/color_layer.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

void ColorLayer::fields(FieldVisitor& visit) {
  ImageLayer::fields(visit);
  visit("factor", factor_, {.required = true});
  visit("value_range", value_range_);
  visit_seed(visit);
}

void ColorLayer::settle() {
  ImageLayer::settle();
  range_ = factor_range(factor_, "factor", bounds_);
  if (!factor_.is_array()) factor_ = range_config(range_);
  values_ = value_range(value_range_);
}

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's backend.epsilon()

/// Hue, saturation and value, one of them by f.
template <class F>
Value with_channel(const Value& hsv, std::int64_t index, const F& f) {
  std::vector<Value> parts;
  for (std::int64_t i = 0; i < 3; ++i) {
    const Value part = ops::slice_axis(hsv, 3, i, i + 1);
    parts.push_back(i == index ? f(part) : part);
  }
  return ops::concatenate(parts, 3);
}

class RandomBrightnessImpl final : public ColorLayer {
 public:
  RandomBrightnessImpl() : ColorLayer({-1, 1}) {}

  RandomBrightnessImpl(const Factor& factor, const RandomColorOptions& options)
      : ColorLayer({-1, 1}, factor, options) {
    settle();
  }

  std::string class_name() const override { return "RandomBrightness"; }

  Transformation transformation(const Draw& draw) const override {
    const Value more = per_image(draw.uniform({draw.batch()}, factor())) *
                       (values().high - values().low);
    return {.images = [=, this](const Value& x) {
      return ops::clip(x + like(x, more), values().low, values().high);
    }};
  }
};

class RandomContrastImpl final : public ColorLayer {
 public:
  RandomContrastImpl() : ColorLayer({0, 1}) {}

  RandomContrastImpl(
      const Factor& factor,
      const RandomColorOptions& options,
      bool transposed = false)
      : ColorLayer({0, 1}, factor, options), transposed_(transposed) {
    settle();
  }

  std::string class_name() const override { return "RandomContrast"; }

  Transformation transformation(const Draw& draw) const override {
    const Value scale = per_image(
        draw.uniform({draw.batch()}, {1 - factor().low, 1 + factor().high}));
    return {.images = [=, this](const Value& x) {
      const ops::Axes axes = transposed_ ? ops::Axes{1, 3} : ops::Axes{1, 2};
      const Value mean = ops::mean(x, axes, true);
      return ops::clip(
          (x - mean) * like(x, scale) + mean, values().low, values().high);
    }};
  }

 private:
  bool transposed_ = false;
};

class RandomHueImpl final : public ColorLayer {
 public:
  RandomHueImpl() : ColorLayer({0, 1}) {}

  RandomHueImpl(const Factor& factor, const RandomColorOptions& options)
      : ColorLayer({0, 1}, factor, options) {
    settle();
  }

  std::string class_name() const override { return "RandomHue"; }

  Transformation transformation(const Draw& draw) const override {
    const Shape each = {draw.batch()};
    const Value turn = draw.uniform(each, {0, 1});
    const Value size = draw.uniform(each, factor()) * 0.5;
    const Value move =
        per_image(ops::where(ops::greater(turn, 0.5), -size, size));
    return {.images = [=, this](const Value& image) {
      // In float32 whatever the dtype, as Keras.
      const Value x = change_range(image, values(), {0, 1}, DType::f32);
      Value hsv = ops::image::rgb_to_hsv(x);
      hsv = with_channel(hsv, 0, [&](const Value& hue) {
        Value moved = hue + like(hue, move);
        moved = ops::where(ops::greater(moved, 1.0), moved - 1.0, moved);
        return ops::where(ops::less(moved, 0.0), moved + 1.0, moved);
      });
      const Value rgb = ops::clip(ops::image::hsv_to_rgb(hsv), 0, 1);
      return ops::cast(
          change_range(rgb, {0, 1}, values(), DType::f32), image.dtype());
    }};
  }

 protected:
  void check_images(const Shape& images) const override {
    if (images[3] == 3) return;
    fail(format("expected 3 channels, got {}", images[3]));
  }
};

class RandomSaturationImpl final : public ColorLayer {
 public:
  RandomSaturationImpl() : ColorLayer({-1, 1}) {}

  RandomSaturationImpl(const Factor& factor, const RandomColorOptions& options)
      : ColorLayer({-1, 1}, factor, options) {
    settle();
  }

  std::string class_name() const override { return "RandomSaturation"; }

  Transformation transformation(const Draw& draw) const override {
    const Value drawn = draw.uniform({draw.batch()}, factor());
    const Value scale = per_image(drawn / (1.0 - drawn + kEpsilon));
    return {.images = [=, this](const Value& x) {
      const Value hsv = with_channel(
          ops::image::rgb_to_hsv(x), 1, [&](const Value& saturation) {
            // By the range of the pixels' values, as Keras.
            return ops::clip(
                saturation * like(x, scale), values().low, values().high);
          });
      return ops::image::hsv_to_rgb(hsv);
    }};
  }

 protected:
  void check_images(const Shape& images) const override {
    if (images[3] == 3) return;
    fail(format("expected 3 channels, got {}", images[3]));
  }
};

class RandomColorDegenerationImpl final : public ColorLayer {
 public:
  RandomColorDegenerationImpl() : ColorLayer({-1, 1}) {}

  RandomColorDegenerationImpl(
      const Factor& factor, const RandomColorOptions& options)
      : ColorLayer({-1, 1}, factor, options) {
    settle();
  }

  std::string class_name() const override { return "RandomColorDegeneration"; }

  Transformation transformation(const Draw& draw) const override {
    const Value share = per_image(draw.uniform({draw.batch()}, factor()));
    return {.images = [=, this](const Value& x) {
      const Value gray = ops::image::rgb_to_grayscale(x);
      return ops::clip(
          x + like(x, share) * (gray - x), values().low, values().high);
    }};
  }

 protected:
  void check_images(const Shape& images) const override {
    if (images[3] == 3) return;
    fail(format("expected 3 channels, got {}", images[3]));
  }
};

class RandomPosterizationImpl final : public ColorLayer {
 public:
  RandomPosterizationImpl() : ColorLayer({1, 8}) {}

  RandomPosterizationImpl(
      const Factor& factor, const RandomColorOptions& options)
      : ColorLayer({1, 8}, factor, options) {
    settle();
  }

  std::string class_name() const override { return "RandomPosterization"; }

  Transformation transformation(const Draw& draw) const override {
    const auto low = static_cast<std::int64_t>(factor().low);
    const auto high = static_cast<std::int64_t>(factor().high);
    const Shape each = {draw.batch()};
    const Value kept =
        low == high
            ? ops::full(
                  draw.graph(), each, static_cast<double>(low), DType::i32)
            : draw.integers(each, low, high);
    const Value shift = per_image(ops::cast(8 - kept, DType::u8));
    return {.images = [=, this](const Value& x) {
      Value bits =
          ops::cast(change_range(x, values(), {0, 255}, x.dtype()), DType::u8);
      bits = ops::left_shift(ops::right_shift(bits, shift), shift);
      return change_range(
          ops::cast(bits, x.dtype()), {0, 255}, values(), x.dtype());
    }};
  }
};

class RandomSharpnessImpl final : public ColorLayer {
 public:
  RandomSharpnessImpl() : ColorLayer({0, 1}) {}

  RandomSharpnessImpl(const Factor& factor, const RandomColorOptions& options)
      : ColorLayer({0, 1}, factor, options) {
    settle();
  }

  std::string class_name() const override { return "RandomSharpness"; }

  Transformation transformation(const Draw& draw) const override {
    const Value sharpness =
        per_image(draw.uniform({draw.batch()}, factor())) * 2.0;
    return {.images = [=, this](const Value& x) {
      constexpr double kA = 1.0 / 13;
      constexpr double kB = 5.0 / 13;
      const std::int64_t channels = x.shape()[3];
      const Value kernel = ops::cast(
          ops::constant(
              x.graph(),
              Tensor(
                  std::vector<double>{kA, kA, kA, kA, kB, kA, kA, kA, kA},
                  {3, 3, 1, 1})),
          x.dtype());
      const Value smooth = ops::conv(
          x,
          ops::broadcast_to(kernel, {3, 3, 1, channels}),
          {.pad_low = {1, 1}, .pad_high = {1, 1}},
          channels);
      return ops::clip(
          x + (1.0 - like(x, sharpness)) * (smooth - x),
          values().low,
          values().high);
    }};
  }
};

class RandomInvertImpl final : public ColorLayer {
 public:
  RandomInvertImpl() : ColorLayer({0, 1}) {}

  RandomInvertImpl(const Factor& factor, const RandomColorOptions& options)
      : ColorLayer({0, 1}, factor, options) {
    settle();
  }

  std::string class_name() const override { return "RandomInvert"; }

  Transformation transformation(const Draw& draw) const override {
    const Value chosen = draw.choice(factor());
    return {.images = [=, this](const Value& x) {
      return ops::where(chosen, values().high - x, x);
    }};
  }
};

template <class Impl>
std::shared_ptr<LayerImpl> made(
    const Factor& factor, const RandomColorOptions& options) {
  return std::make_shared<Impl>(factor, options);
}

}  // namespace

std::shared_ptr<ImageLayer> random_contrast_over(
    const Factor& factor, const RandomColorOptions& options, bool transposed) {
  return std::make_shared<RandomContrastImpl>(factor, options, transposed);
}

std::shared_ptr<LayerImpl> make_random_brightness() {
  return std::make_shared<RandomBrightnessImpl>();
}

std::shared_ptr<LayerImpl> make_random_contrast() {
  return std::make_shared<RandomContrastImpl>();
}

std::shared_ptr<LayerImpl> make_random_hue() {
  return std::make_shared<RandomHueImpl>();
}

std::shared_ptr<LayerImpl> make_random_saturation() {
  return std::make_shared<RandomSaturationImpl>();
}

std::shared_ptr<LayerImpl> make_random_color_degeneration() {
  return std::make_shared<RandomColorDegenerationImpl>();
}

std::shared_ptr<LayerImpl> make_random_posterization() {
  return std::make_shared<RandomPosterizationImpl>();
}

std::shared_ptr<LayerImpl> make_random_sharpness() {
  return std::make_shared<RandomSharpnessImpl>();
}

std::shared_ptr<LayerImpl> make_random_invert() {
  return std::make_shared<RandomInvertImpl>();
}

RandomBrightness::RandomBrightness(Factor factor, RandomColorOptions options)
    : Layer(made<RandomBrightnessImpl>(factor, options)) {}

RandomContrast::RandomContrast(Factor factor, RandomColorOptions options)
    : Layer(made<RandomContrastImpl>(factor, options)) {}

RandomHue::RandomHue(Factor factor, RandomColorOptions options)
    : Layer(made<RandomHueImpl>(factor, options)) {}

RandomSaturation::RandomSaturation(Factor factor, RandomColorOptions options)
    : Layer(made<RandomSaturationImpl>(factor, options)) {}

RandomColorDegeneration::RandomColorDegeneration(
    Factor factor, RandomColorOptions options)
    : Layer(made<RandomColorDegenerationImpl>(factor, options)) {}

RandomPosterization::RandomPosterization(
    Factor factor, RandomColorOptions options)
    : Layer(made<RandomPosterizationImpl>(factor, options)) {}

RandomSharpness::RandomSharpness(Factor factor, RandomColorOptions options)
    : Layer(made<RandomSharpnessImpl>(factor, options)) {}

RandomInvert::RandomInvert(Factor factor, RandomColorOptions options)
    : Layer(made<RandomInvertImpl>(factor, options)) {}

}  // namespace keratin::layers
