// Layers made of others: RandomColorJitter, RandAugment, AugMix.

#include <algorithm>
#include <utility>

#include "layers/preprocessing/boxes.hpp"
#include "layers/preprocessing/color_layer.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

const ImageLayer& image_layer(const Layer& layer) {
  return static_cast<const ImageLayer&>(layer.impl());
}

Value if_chosen(
    const Value& chosen,
    const Value& x,
    const std::function<Value(const Value&)>& f) {
  if (!f) return x;
  return ops::cond(
      chosen,
      [&]() -> std::vector<Value> { return {f(x)}; },
      [&]() -> std::vector<Value> { return {x}; })[0];
}

class RandomColorJitterImpl final : public ImageLayer {
 public:
  RandomColorJitterImpl() = default;

  explicit RandomColorJitterImpl(const RandomColorJitterOptions& options)
      : ImageLayer(options),
        value_range_(options.value_range.config()),
        brightness_factor_(options.brightness_factor.config()),
        contrast_factor_(options.contrast_factor.config()),
        saturation_factor_(options.saturation_factor.config()),
        hue_factor_(options.hue_factor.config()) {
    seed_ = options.seed;
    settle();
  }

  std::string class_name() const override { return "RandomColorJitter"; }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("value_range", value_range_);
    visit("brightness_factor", brightness_factor_);
    visit("contrast_factor", contrast_factor_);
    visit("saturation_factor", saturation_factor_);
    visit("hue_factor", hue_factor_);
    visit_seed(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    std::vector<Transformation> steps;
    for (const Layer& layer : layers_) {
      steps.push_back(image_layer(layer).transformation(draw));
    }
    return {.images = [=](const Value& x) {
      Value y = x;
      for (const Transformation& step : steps) y = step.images(y);
      return y;
    }};
  }

 protected:
  void settle() override {
    ImageLayer::settle();
    layers_.clear();
    const Range range = value_range(value_range_);
    RandomColorOptions options;
    options.value_range = {range.low, range.high};
    options.seed = seed_;
    options.dtype = dtype_policy();
    if (!brightness_factor_.is_null()) {
      layers_.push_back(RandomBrightness(
          factor_of(brightness_factor_, "brightness_factor", {-1, 1}),
          options));
    }
    if (!contrast_factor_.is_null()) {
      // Keras tells these layers nothing of channels_first: the means of the
      // contrast are over channels and height then.
      layers_.emplace_back(random_contrast_over(
          factor_of(contrast_factor_, "contrast_factor", {0, 1}),
          options,
          channels_first()));
    }
    if (!saturation_factor_.is_null()) {
      layers_.push_back(RandomSaturation(
          factor_of(saturation_factor_, "saturation_factor", {-1, 1}),
          options));
    }
    if (!hue_factor_.is_null()) {
      layers_.push_back(
          RandomHue(factor_of(hue_factor_, "hue_factor", {0, 1}), options));
    }
  }

  void check_images(const Shape& images) const override {
    if (saturation_factor_.is_null() && hue_factor_.is_null()) return;
    if (images[3] == 3) return;
    fail(format("expected 3 channels, got {}", images[3]));
  }

 private:
  Factor factor_of(
      const Config& value, const char* name, const Range& bounds) const {
    const Range range = factor_range(value, name, bounds);
    return {range.low, range.high};
  }

  Config value_range_ = range_config({0, 255});
  Config brightness_factor_;
  Config contrast_factor_;
  Config saturation_factor_;
  Config hue_factor_;
  std::vector<Layer> layers_;
};

/// What RandAugment and AugMix choose from.
struct Choices {
  std::string interpolation;
  Range factor;
  Range value_range;
  std::string data_format;
  std::optional<std::string> bounding_box_format;
  DTypePolicy dtype;
};

enum class Order { rand_augment, aug_mix };

std::vector<Layer> layers_of(const Choices& c, Order order, bool all) {
  const Factor factor(c.factor.low, c.factor.high);
  const Factor range(c.value_range.low, c.value_range.high);
  const auto common = [&](auto options) {
    options.data_format = c.data_format;
    options.bounding_box_format = c.bounding_box_format;
    options.dtype = c.dtype;
    return options;
  };
  auto move = common(RandomMoveOptions());
  move.interpolation = c.interpolation;
  auto color = common(RandomColorOptions());
  color.value_range = range;
  auto fixed = common(ColorOptions());
  fixed.value_range = range;
  auto equalization = common(EqualizationOptions());
  equalization.value_range = range;
  const Factor bits = static_cast<double>(
      std::max<std::int64_t>(1, static_cast<std::int64_t>(8 * c.factor.high)));
  const std::vector<Layer> moves = {
      RandomShear(factor, factor, move),
      RandomTranslation(factor, factor, move),
      RandomRotation(factor, move)};
  const std::vector<Layer> colors = {
      RandomBrightness(factor, color),
      RandomColorDegeneration(factor, color),
      RandomContrast(factor, color),
      RandomSharpness(factor, color)};
  const std::vector<Layer> levels = {
      RandomPosterization(bits, color),
      Solarization(factor, factor, color),
      AutoContrast(fixed),
      Equalization(equalization)};
  std::vector<Layer> out = moves;
  const auto append = [&](const std::vector<Layer>& more) {
    out.insert(out.end(), more.begin(), more.end());
  };
  if (order == Order::rand_augment) {
    append(colors);
    append(levels);
  } else {
    append(levels);
    if (all) append(colors);
  }
  return out;
}

/// RandAugment and AugMix.
class PolicyLayer : public ImageLayer {
 public:
  PolicyLayer() = default;

  template <class Options>
  explicit PolicyLayer(const Options& options)
      : ImageLayer(options),
        value_range_(options.value_range.config()),
        factor_(options.factor.config()),
        interpolation_(options.interpolation) {
    seed_ = options.seed;
  }

 protected:
  void settle_layers(Order order, bool all) {
    const Range factor = factor_range(factor_, "factor", {0, 1});
    if (!factor_.is_array()) factor_ = range_config(factor);
    values_ = value_range(value_range_);
    layers_ = layers_of(
        {interpolation_,
         factor,
         values_,
         data_format(),
         box_format().empty() ? std::nullopt
                              : std::optional<std::string>(box_format()),
         dtype_policy()},
        order,
        all);
  }

  void visit_range(FieldVisitor& visit) { visit("value_range", value_range_); }

  void visit_factor(FieldVisitor& visit) { visit("factor", factor_); }

  void visit_interpolation(FieldVisitor& visit) {
    visit(
        "interpolation", interpolation_, {.choices = {"nearest", "bilinear"}});
  }

  std::vector<Transformation> draw_all(const Draw& draw) const {
    std::vector<Transformation> out;
    for (const Layer& layer : layers_) {
      out.push_back(image_layer(layer).transformation(draw));
    }
    return out;
  }

  std::int64_t layer_count() const {
    return static_cast<std::int64_t>(layers_.size());
  }

  const Range& values() const { return values_; }

  void check_images(const Shape& images) const override {
    if (images[3] == 3) return;
    fail(format("expected 3 channels, got {}", images[3]));
  }

 private:
  Config value_range_ = range_config({0, 255});
  Config factor_;
  std::string interpolation_ = "bilinear";
  Range values_;
  std::vector<Layer> layers_;
};

Value is_layer(const Value& index, std::size_t layer) {
  return ops::equal(index, static_cast<double>(layer));
}

Value number_at(const Value& x, std::int64_t index) {
  return ops::squeeze(ops::slice_axis(x, 0, index, index + 1), {0});
}

class RandAugmentImpl final : public PolicyLayer {
 public:
  RandAugmentImpl() : RandAugmentImpl(RandAugmentOptions()) {}

  explicit RandAugmentImpl(const RandAugmentOptions& options)
      : PolicyLayer(options), num_ops_(options.num_ops) {
    settle();
  }

  std::string class_name() const override { return "RandAugment"; }

  void fields(FieldVisitor& visit) override {
    PolicyLayer::fields(visit);
    visit_range(visit);
    visit("num_ops", num_ops_, {.minimum = 0});
    visit_factor(visit);
    visit_interpolation(visit);
    visit_seed(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    if (num_ops_ == 0) return {};
    const Value chosen = draw.integers({num_ops_}, 0, layer_count());
    const std::vector<Transformation> steps = draw_all(draw);
    const std::int64_t count = num_ops_;
    const auto run = [=](const Value& x, auto part) {
      Value y = x;
      for (std::int64_t i = 0; i < count; ++i) {
        const Value index = number_at(chosen, i);
        for (std::size_t k = 0; k < steps.size(); ++k) {
          y = if_chosen(is_layer(index, k), y, steps[k].*part);
        }
      }
      return y;
    };
    return {
        .images =
            [=](const Value& x) { return run(x, &Transformation::images); },
        .masks = [=](const Value& x) { return run(x, &Transformation::masks); },
        .boxes =
            [=](const Boxes& boxes) {
              Boxes out = boxes;
              for (std::int64_t i = 0; i < count; ++i) {
                const Value index = number_at(chosen, i);
                for (std::size_t k = 0; k < steps.size(); ++k) {
                  if (!steps[k].boxes) continue;
                  const Boxes moved = steps[k].boxes(out);
                  const Value here = is_layer(index, k);
                  out.boxes = ops::where(here, moved.boxes, out.boxes);
                  if (out.labels) {
                    out.labels = ops::where(here, moved.labels, out.labels);
                  }
                }
              }
              return out;
            }};
  }

 protected:
  void settle() override {
    PolicyLayer::settle();
    settle_layers(Order::rand_augment, true);
  }

 private:
  std::int64_t num_ops_ = 2;
};

class AugMixImpl final : public PolicyLayer {
 public:
  AugMixImpl() : AugMixImpl(AugMixOptions()) {}

  explicit AugMixImpl(const AugMixOptions& options)
      : PolicyLayer(options),
        num_chains_(options.num_chains),
        chain_depth_(options.chain_depth),
        alpha_(options.alpha),
        all_ops_(options.all_ops) {
    settle();
  }

  std::string class_name() const override { return "AugMix"; }

  void fields(FieldVisitor& visit) override {
    PolicyLayer::fields(visit);
    visit_range(visit);
    visit("num_chains", num_chains_, {.minimum = 1});
    visit("chain_depth", chain_depth_, {.minimum = 1});
    visit_factor(visit);
    visit("alpha", alpha_);
    visit("all_ops", all_ops_);
    visit_interpolation(visit);
    visit_seed(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    const Value alpha = ops::full(draw.graph(), {}, alpha_, draw.real());
    // Gamma numbers over their sum: the Dirichlet distribution.
    const Value shares = ops::softmax(draw.log_gamma({num_chains_}, alpha));
    const Value kept = draw.beta({}, alpha);
    // The last number: no layer in this place.
    const Value chosen =
        draw.integers({num_chains_ * chain_depth_}, 0, layer_count() + 1);
    std::vector<std::vector<Transformation>> places;
    for (std::int64_t i = 0; i < num_chains_ * chain_depth_; ++i) {
      places.push_back(draw_all(draw));
    }
    const auto mix = [=, this](const Value& x, auto part) {
      Value sum;
      for (std::int64_t chain = 0; chain < num_chains_; ++chain) {
        Value y = x;
        for (std::int64_t i = 0; i < chain_depth_; ++i) {
          const std::int64_t at = chain * chain_depth_ + i;
          const auto& steps = places[static_cast<std::size_t>(at)];
          const Value index = number_at(chosen, at);
          for (std::size_t k = 0; k < steps.size(); ++k) {
            y = if_chosen(is_layer(index, k), y, steps[k].*part);
          }
        }
        const Value term = y * like(y, number_at(shares, chain));
        sum = sum ? sum + term : term;
      }
      const Value share = like(x, kept);
      return share * x + (1.0 - share) * sum;
    };
    return {
        .images =
            [=, this](const Value& x) {
              return ops::clip(
                  mix(x, &Transformation::images), values().low, values().high);
            },
        .masks =
            [=, this](const Value& x) {
              return mix(ops::cast(x, compute_dtype()), &Transformation::masks);
            }};
  }

 protected:
  void settle() override {
    PolicyLayer::settle();
    if (!(alpha_ > 0)) fail(format("expected alpha > 0, got {}", alpha_));
    settle_layers(Order::aug_mix, all_ops_);
  }

 private:
  std::int64_t num_chains_ = 3;
  std::int64_t chain_depth_ = 3;
  double alpha_ = 1;
  bool all_ops_ = true;
};

}  // namespace

std::shared_ptr<LayerImpl> make_random_color_jitter() {
  return std::make_shared<RandomColorJitterImpl>();
}

std::shared_ptr<LayerImpl> make_rand_augment() {
  return std::make_shared<RandAugmentImpl>();
}

std::shared_ptr<LayerImpl> make_aug_mix() {
  return std::make_shared<AugMixImpl>();
}

RandomColorJitter::RandomColorJitter(RandomColorJitterOptions options)
    : Layer(std::make_shared<RandomColorJitterImpl>(options)) {}

RandAugment::RandAugment(RandAugmentOptions options)
    : Layer(std::make_shared<RandAugmentImpl>(options)) {}

AugMix::AugMix(AugMixOptions options)
    : Layer(std::make_shared<AugMixImpl>(options)) {}

}  // namespace keratin::layers
