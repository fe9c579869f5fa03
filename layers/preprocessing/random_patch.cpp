// RandomGaussianBlur, RandomErasing, MixUp, CutMix.

#include <algorithm>
#include <cmath>
#include <utility>

#include <keratin/ops_image.hpp>

#include "layers/preprocessing/boxes.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

class RandomGaussianBlurImpl final : public ImageLayer {
 public:
  RandomGaussianBlurImpl() = default;

  explicit RandomGaussianBlurImpl(const RandomGaussianBlurOptions& options)
      : ImageLayer(options),
        factor_(options.factor.config()),
        kernel_size_(options.kernel_size.config()),
        sigma_(options.sigma.config()),
        value_range_(options.value_range.config()) {
    seed_ = options.seed;
    settle();
  }

  std::string class_name() const override { return "RandomGaussianBlur"; }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("factor", factor_);
    visit("kernel_size", kernel_size_);
    visit("sigma", sigma_);
    visit("value_range", value_range_);
    visit_seed(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    const Value chosen = draw.choice(range_);
    const Value sigma = draw.uniform({2}, sigmas_) + 1e-6;
    return {.images = [=, this](const Value& x) {
      const Value blurred = ops::image::gaussian_blur(x, sizes_, sigma);
      return ops::clip(
          ops::where(chosen, blurred, x), values_.low, values_.high);
    }};
  }

 protected:
  void settle() override {
    ImageLayer::settle();
    range_ = factor_range(factor_, "factor", {0, 1});
    sigmas_ = factor_range(sigma_, "sigma", {0, 1});
    if (!factor_.is_array()) factor_ = range_config(range_);
    if (!sigma_.is_array()) sigma_ = range_config(sigmas_);
    if (kernel_size_.is_int() || kernel_size_.is_number()) {
      kernel_size_ = Config::array({kernel_size_, kernel_size_});
    }
    bool odd = kernel_size_.is_array() && kernel_size_.size() == 2;
    for (std::size_t i = 0; odd && i < 2; ++i) {
      const Config& size = kernel_size_.as_array()[i];
      odd = size.is_number() && size.as_number() >= 1 &&
            std::fmod(size.as_number(), 2) == 1;
      if (odd) sizes_[i] = static_cast<std::int64_t>(size.as_number());
    }
    if (!odd) {
      fail(format(
          "expected kernel_size to be an odd number or two, got {}",
          kernel_size_.dump()));
    }
    values_ = value_range(value_range_);
  }

 private:
  Config factor_ = 1.0;
  Config kernel_size_ = 3;
  Config sigma_ = 1.0;
  Config value_range_ = range_config({0, 255});
  Range range_;
  Range sigmas_;
  Range values_;
  std::array<std::int64_t, 2> sizes_ = {3, 3};
};

/// A random rectangle in each image.
struct Rectangle {
  Value inside;  // bool[n, h, w, 1]
  Value area;    // [n], part of the image's
};

/// Sides: parts of width and height, [n] each.
Rectangle rectangle(const Draw& draw, const Value& across, const Value& down) {
  const auto along = [&](const Value& part, std::int64_t extent, auto axis) {
    const auto length = static_cast<double>(extent);
    const Value size = part * length;
    const Value start = draw.uniform({draw.batch()}, {0, 1}) * (length - size);
    Shape grid = {1, 1, 1, 1};
    grid[axis] = extent;
    const Value at = ops::iota(
        draw.graph(), grid, static_cast<std::int64_t>(axis), start.dtype());
    return std::pair(
        ops::logical_and(
            ops::greater_equal(at, per_image(start)),
            ops::less(at, per_image(start + size))),
        size);
  };
  const auto [columns, width] = along(across, draw.width(), std::size_t{2});
  const auto [rows, height] = along(down, draw.height(), std::size_t{1});
  return {
      ops::logical_and(rows, columns),
      width * height / static_cast<double>(draw.width() * draw.height())};
}

class RandomErasingImpl final : public ImageLayer {
 public:
  RandomErasingImpl() = default;

  explicit RandomErasingImpl(const RandomErasingOptions& options)
      : ImageLayer(options),
        factor_(options.factor.config()),
        scale_(options.scale.config()),
        value_range_(options.value_range.config()) {
    if (options.fill_value.size() == 1) fill_value_ = options.fill_value[0];
    if (options.fill_value.size() > 1) {
      fill_value_ = Config::array();
      for (const double value : options.fill_value) {
        fill_value_.push_back(value);
      }
    }
    seed_ = options.seed;
    settle();
  }

  std::string class_name() const override { return "RandomErasing"; }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("factor", factor_);
    visit("scale", scale_);
    visit("fill_value", fill_value_);
    visit("value_range", value_range_);
    visit_seed(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    const Shape each = {draw.batch()};
    const Value across = ops::sqrt(draw.uniform(each, scales_));
    const Value down = ops::sqrt(draw.uniform(each, scales_));
    const Value erased = rectangle(draw, across, down).inside;
    const Value chosen = draw.choice(range_);
    Value fill;
    if (fill_value_.is_null()) {
      fill = draw.normal(draw.images()) * values_.high;
    } else {
      std::vector<double> numbers;
      if (fill_value_.is_array()) {
        for (const Config& item : fill_value_.as_array()) {
          numbers.push_back(item.as_number());
        }
      } else {
        numbers.assign(
            static_cast<std::size_t>(draw.images()[3]),
            fill_value_.as_number());
      }
      fill = ops::constant(draw.graph(), Tensor(numbers));
    }
    fill = ops::clip(fill, values_.low, values_.high);
    return {.images = [=](const Value& x) {
      return ops::where(
          ops::logical_and(erased, chosen),
          ops::broadcast_to(like(x, fill), x.shape()),
          x);
    }};
  }

 protected:
  void settle() override {
    ImageLayer::settle();
    range_ = factor_range(factor_, "factor", {0, 1});
    scales_ = factor_range(scale_, "scale", {0, 1});
    if (!factor_.is_array()) factor_ = range_config(range_);
    if (!scale_.is_array()) scale_ = range_config(scales_);
    values_ = value_range(value_range_);
    bool good = fill_value_.is_null() || fill_value_.is_number();
    if (fill_value_.is_array() && fill_value_.size() == 3) {
      good = true;
      for (const Config& item : fill_value_.as_array()) {
        good = good && item.is_number();
      }
    }
    if (good) return;
    fail(format(
        "expected fill_value to be a number or three, got {}",
        fill_value_.dump()));
  }

  void check_images(const Shape& images) const override {
    if (!fill_value_.is_array() || images[3] == 3) return;
    fail(format(
        "expected 3 channels for the fill_value {}, got {}",
        fill_value_.dump(),
        images[3]));
  }

 private:
  Config factor_ = 1.0;
  Config scale_ = range_config({0.02, 0.33});
  Config fill_value_;
  Config value_range_ = range_config({0, 255});
  Range range_;
  Range scales_;
  Range values_;
};

/// weight * x + (1 - weight) * x[order], the weight [n] along the first axis.
Value blend(const Value& x, const Value& order, const Value& weight) {
  const DType dtype = is_floating(x.dtype()) ? x.dtype() : weight.dtype();
  const Value y = ops::cast(x, dtype);
  Shape shape(std::vector<std::int64_t>(x.rank(), 1));
  shape[0] = x.shape()[0];
  const Value w = ops::reshape(ops::cast(weight, dtype), shape);
  return w * y + (1.0 - w) * ops::take(y, order);
}

class MixUpImpl final : public ImageLayer {
 public:
  MixUpImpl() = default;

  MixUpImpl(double alpha, const RandomImageOptions& options)
      : ImageLayer(options), alpha_(alpha) {
    seed_ = options.seed;
    settle();
  }

  std::string class_name() const override { return "MixUp"; }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("alpha", alpha_);
    visit_seed(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    const Value order = draw.permutation(draw.batch());
    const Value weight = draw.beta(
        {draw.batch()}, ops::full(draw.graph(), {}, alpha_, draw.real()));
    const auto mix = [=](const Value& x) { return blend(x, order, weight); };
    return {
        .images = mix,
        .masks = mix,
        .labels = mix,
        .boxes = [=](const Boxes& b) {
          // The boxes of both images. (Keras joins the labels along the batch,
          // where they no longer belong to the boxes.)
          const auto both = [&](const Value& x) {
            return x ? ops::concatenate({x, ops::take(x, order)}, 1) : x;
          };
          return Boxes{both(b.boxes), both(b.labels)};
        }};
  }

 protected:
  void settle() override {
    ImageLayer::settle();
    if (!(alpha_ > 0)) fail(format("expected alpha > 0, got {}", alpha_));
  }

 private:
  double alpha_ = 0.2;
};

class CutMixImpl final : public ImageLayer {
 public:
  CutMixImpl() = default;

  CutMixImpl(const Factor& factor, const RandomImageOptions& options)
      : ImageLayer(options), factor_(factor.config()) {
    seed_ = options.seed;
    settle();
  }

  std::string class_name() const override { return "CutMix"; }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("factor", factor_);
    visit_seed(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    const Value alpha = draw.uniform({}, range_) + 1e-6;
    const Value part = ops::sqrt(1.0 - draw.beta({draw.batch()}, alpha));
    const Rectangle cut = rectangle(draw, part, part);
    const Value order = draw.permutation(draw.batch());
    const auto mix = [=](const Value& x) {
      return ops::where(cut.inside, ops::take(x, order), x);
    };
    return {.images = mix, .masks = mix, .labels = [=](const Value& x) {
              return blend(x, order, 1.0 - cut.area);
            }};
  }

 protected:
  void settle() override {
    ImageLayer::settle();
    range_ = factor_range(factor_, "factor", {0, 1});
    if (!factor_.is_array()) factor_ = range_config(range_);
  }

  bool takes_boxes() const override { return false; }

 private:
  Config factor_ = 1.0;
  Range range_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_random_gaussian_blur() {
  return std::make_shared<RandomGaussianBlurImpl>();
}

std::shared_ptr<LayerImpl> make_random_erasing() {
  return std::make_shared<RandomErasingImpl>();
}

std::shared_ptr<LayerImpl> make_mix_up() {
  return std::make_shared<MixUpImpl>();
}

std::shared_ptr<LayerImpl> make_cut_mix() {
  return std::make_shared<CutMixImpl>();
}

RandomGaussianBlur::RandomGaussianBlur(RandomGaussianBlurOptions options)
    : Layer(std::make_shared<RandomGaussianBlurImpl>(options)) {}

RandomErasing::RandomErasing(RandomErasingOptions options)
    : Layer(std::make_shared<RandomErasingImpl>(options)) {}

MixUp::MixUp(double alpha, RandomImageOptions options)
    : Layer(std::make_shared<MixUpImpl>(alpha, options)) {}

CutMix::CutMix(Factor factor, RandomImageOptions options)
    : Layer(std::make_shared<CutMixImpl>(factor, options)) {}

}  // namespace keratin::layers
