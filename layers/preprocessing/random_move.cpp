// RandomRotation, RandomTranslation, RandomZoom, RandomShear.

#include "layers/preprocessing/random_move.hpp"

#include <numbers>
#include <utility>

#include "layers/preprocessing/image_values.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

Transformation RandomMove::by_matrix(const Value& matrix) const {
  const auto move = [=, this](const Value& x, const std::string& method) {
    return ops::image::affine(x, matrix, method, fill_mode_, fill_value_);
  };
  return {
      .images = [=, this](const Value& x) { return move(x, interpolation_); },
      .masks = [=](const Value& x) { return move(x, "nearest"); }};
}

Value matrix_of(
    const Value& a0,
    const Value& a1,
    const Value& a2,
    const Value& b0,
    const Value& b1,
    const Value& b2) {
  const Value zero = ops::zeros_like(a0);
  return ops::stack({a0, a1, a2, b0, b1, b2, zero, zero}, 1);
}

namespace {

/// [n] beside corners [n, boxes, 1].
Value beside(const Corners& c, const Value& x) {
  return ops::reshape(like(c.x1, x), {x.shape()[0], 1, 1});
}

class RandomRotationImpl final : public RandomMove {
 public:
  RandomRotationImpl() = default;

  RandomRotationImpl(const Factor& factor, const RandomMoveOptions& options)
      : RandomMove(options), factor_(factor.config()) {
    settle();
  }

  std::string class_name() const override { return "RandomRotation"; }

  void fields(FieldVisitor& visit) override {
    RandomMove::fields(visit);
    visit("factor", factor_, {.required = true});
    visit_move(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    const Value degrees =
        draw.uniform({draw.batch()}, {range_.low * 360.0, range_.high * 360.0});
    const Value angle = degrees * (std::numbers::pi / 180);
    const Value cosine = ops::cos(angle);
    const Value sine = ops::sin(angle);
    const double cx = 0.5 * static_cast<double>(draw.width() - 1);
    const double cy = 0.5 * static_cast<double>(draw.height() - 1);
    Transformation out = by_matrix(matrix_of(
        cosine,
        -sine,
        cx - cx * cosine + cy * sine,
        sine,
        cosine,
        cy - cx * sine - cy * cosine));
    const Extent size = extent(draw);
    out.boxes = [=, this](const Boxes& boxes) {
      return move_boxes(boxes, box_format(), size, [&](const Corners& c) {
        const Value co = beside(c, cosine);
        const Value si = beside(c, sine);
        return around(c, [&](const Value& x, const Value& y) {
          const Value dx = x - cx;
          const Value dy = y - cy;
          return std::pair(dx * co + dy * si + cx, dy * co - dx * si + cy);
        });
      });
    };
    return out;
  }

 protected:
  void settle() override {
    RandomMove::settle();
    range_ = factor_range(factor_, "factor", {-1, 1});
    if (!factor_.is_array()) factor_ = range_config(range_);
  }

 private:
  Config factor_ = 0.0;
  Range range_;
};

class RandomTranslationImpl final : public RandomMove {
 public:
  RandomTranslationImpl() = default;

  RandomTranslationImpl(
      const Factor& height,
      const Factor& width,
      const RandomMoveOptions& options)
      : RandomMove(options),
        height_factor_(height.config()),
        width_factor_(width.config()) {
    settle();
  }

  std::string class_name() const override { return "RandomTranslation"; }

  void fields(FieldVisitor& visit) override {
    RandomMove::fields(visit);
    visit("height_factor", height_factor_, {.required = true});
    visit("width_factor", width_factor_, {.required = true});
    visit_move(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    const Shape each = {draw.batch()};
    const Value down =
        draw.uniform(each, height_) * static_cast<double>(draw.height());
    const Value right =
        draw.uniform(each, width_) * static_cast<double>(draw.width());
    const Value one = ops::ones_like(down);
    const Value zero = ops::zeros_like(down);
    Transformation out =
        by_matrix(matrix_of(one, zero, -right, zero, one, -down));
    const Extent size = extent(draw);
    out.boxes = [=, this](const Boxes& boxes) {
      return move_boxes(boxes, box_format(), size, [&](const Corners& c) {
        const Value x = beside(c, right);
        const Value y = beside(c, down);
        return Corners{c.x1 + x, c.y1 + y, c.x2 + x, c.y2 + y};
      });
    };
    return out;
  }

 protected:
  void settle() override {
    RandomMove::settle();
    height_ = strict_range(height_factor_, "height_factor", {-1, 1});
    width_ = strict_range(width_factor_, "width_factor", {-1, 1});
  }

 private:
  Config height_factor_ = 0.0;
  Config width_factor_ = 0.0;
  Range height_;
  Range width_;
};

class RandomZoomImpl final : public RandomMove {
 public:
  RandomZoomImpl() = default;

  RandomZoomImpl(const Factor& height, const RandomZoomOptions& options)
      : RandomMove(options),
        height_factor_(height.config()),
        width_factor_(options.width_factor.config()) {
    settle();
  }

  std::string class_name() const override { return "RandomZoom"; }

  void fields(FieldVisitor& visit) override {
    RandomMove::fields(visit);
    visit("height_factor", height_factor_, {.required = true});
    visit("width_factor", width_factor_);
    visit_move(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    const Shape each = {draw.batch()};
    const auto zoom = [&](const Range& range) {
      // Float32 from here on, as Keras.
      return ops::cast(
          draw.uniform(each, {1 + range.low, 1 + range.high}), DType::f32);
    };
    const Value rows = zoom(height_);
    const Value columns = width_factor_.is_null() ? rows : zoom(width_);
    const Value x = static_cast<double>(draw.width() - 1) / 2 * (1.0 - columns);
    const Value y = static_cast<double>(draw.height() - 1) / 2 * (1.0 - rows);
    const Value zero = ops::zeros_like(rows);
    Transformation out = by_matrix(matrix_of(columns, zero, x, zero, rows, y));
    const Extent size = extent(draw);
    out.boxes = [=, this](const Boxes& boxes) {
      return move_boxes(boxes, box_format(), size, [&](const Corners& c) {
        const Value left = beside(c, x);
        const Value top = beside(c, y);
        const Value across = beside(c, columns);
        const Value down = beside(c, rows);
        return Corners{
            (c.x1 - left) / across,
            (c.y1 - top) / down,
            (c.x2 - left) / across,
            (c.y2 - top) / down};
      });
    };
    return out;
  }

 protected:
  void settle() override {
    RandomMove::settle();
    height_ = zoom_range(height_factor_, "height_factor");
    if (!width_factor_.is_null()) {
      width_ = zoom_range(width_factor_, "width_factor");
    }
  }

 private:
  Range zoom_range(const Config& value, const char* name) const {
    const Range range = strict_range(value, name, {-1, 1});
    if (range.low > -1) return range;
    fail(format("expected {} > -1, got {}", name, value.dump()));
  }

  Config height_factor_ = 0.0;
  Config width_factor_;
  Range height_;
  Range width_;
};

class RandomShearImpl final : public RandomMove {
 public:
  RandomShearImpl() = default;

  RandomShearImpl(
      const Factor& x, const Factor& y, const RandomMoveOptions& options)
      : RandomMove(options), x_factor_(x.config()), y_factor_(y.config()) {
    settle();
  }

  std::string class_name() const override { return "RandomShear"; }

  void fields(FieldVisitor& visit) override {
    RandomMove::fields(visit);
    visit("x_factor", x_factor_);
    visit("y_factor", y_factor_);
    visit_move(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    const Shape each = {draw.batch()};
    const Value turn = draw.uniform(each, {0, 1});
    const Value sign = ops::where(
        ops::greater(turn, 0.5),
        ops::full_like(turn, -1),
        ops::ones_like(turn));
    const Value y = draw.uniform(each, y_) * sign;
    const Value x = draw.uniform(each, x_) * sign;
    const Value one = ops::ones_like(x);
    const Value zero = ops::zeros_like(x);
    Transformation out = by_matrix(matrix_of(one, x, zero, y, one, zero));
    const Extent size = extent(draw);
    const double across =
        static_cast<double>(draw.width()) / static_cast<double>(draw.height());
    out.boxes = [=, this](const Boxes& boxes) {
      return move_boxes(boxes, box_format(), size, [&](const Corners& c) {
        // Keras shears boxes in parts of the image's size.
        const Value sx = beside(c, x) * across;
        const Value sy = beside(c, y) * (1 / across);
        const Value left = ops::less(sx, 0.0);
        const Value up = ops::greater(sy, 0.0);
        const Value x1 = ops::where(left, c.x1 - sx * c.y1, c.x1 - sx * c.y2);
        const Value x2 = ops::where(left, c.x2 - sx * c.y2, c.x2 - sx * c.y1);
        return Corners{
            x1,
            ops::where(up, c.y1 - sy * x2, c.y1 - sy * x1),
            x2,
            ops::where(up, c.y2 - sy * x1, c.y2 - sy * x2)};
      });
    };
    return out;
  }

 protected:
  void settle() override {
    RandomMove::settle();
    x_ = shear_range(x_factor_, "x_factor");
    y_ = shear_range(y_factor_, "y_factor");
  }

 private:
  /// A number f is kept as [-f, f], which Keras writes and does not read.
  Range shear_range(Config& value, const char* name) const {
    if (value.is_array() && value.size() == 2 &&
        value.as_array()[0].is_number() && value.as_array()[1].is_number() &&
        value.as_array()[0].as_number() == -value.as_array()[1].as_number()) {
      return strict_range(value.as_array()[1], name, {0, 1});
    }
    const Range range = strict_range(value, name, {0, 1});
    if (!value.is_array()) value = range_config(range);
    return range;
  }

  Config x_factor_ = 0.0;
  Config y_factor_ = 0.0;
  Range x_;
  Range y_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_random_rotation() {
  return std::make_shared<RandomRotationImpl>();
}

std::shared_ptr<LayerImpl> make_random_translation() {
  return std::make_shared<RandomTranslationImpl>();
}

std::shared_ptr<LayerImpl> make_random_zoom() {
  return std::make_shared<RandomZoomImpl>();
}

std::shared_ptr<LayerImpl> make_random_shear() {
  return std::make_shared<RandomShearImpl>();
}

RandomRotation::RandomRotation(Factor factor, RandomMoveOptions options)
    : Layer(std::make_shared<RandomRotationImpl>(factor, options)) {}

RandomTranslation::RandomTranslation(
    Factor height_factor, Factor width_factor, RandomMoveOptions options)
    : Layer(std::make_shared<RandomTranslationImpl>(
          height_factor, width_factor, options)) {}

RandomZoom::RandomZoom(Factor height_factor, RandomZoomOptions options)
    : Layer(std::make_shared<RandomZoomImpl>(height_factor, options)) {}

RandomShear::RandomShear(
    Factor x_factor, Factor y_factor, RandomMoveOptions options)
    : Layer(std::make_shared<RandomShearImpl>(x_factor, y_factor, options)) {}

}  // namespace keratin::layers
