// RandomPerspective, RandomElasticTransform.

#include <algorithm>
#include <utility>

#include <keratin/ops_image.hpp>

#include "layers/preprocessing/boxes.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

class RandomPerspectiveImpl final : public ImageLayer {
 public:
  RandomPerspectiveImpl() = default;

  explicit RandomPerspectiveImpl(const RandomPerspectiveOptions& options)
      : ImageLayer(options),
        factor_(options.factor.config()),
        scale_(options.scale),
        interpolation_(options.interpolation),
        fill_value_(options.fill_value) {
    seed_ = options.seed;
    settle();
  }

  std::string class_name() const override { return "RandomPerspective"; }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("factor", factor_);
    visit("scale", scale_, {.minimum = 0, .maximum = 1});
    visit(
        "interpolation", interpolation_, {.choices = {"nearest", "bilinear"}});
    visit("fill_value", fill_value_);
    visit_seed(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    const std::int64_t n = draw.batch();
    const Extent size = {draw.height(), draw.width()};
    const auto x = static_cast<double>(size.width - 1);
    const auto y = static_cast<double>(size.height - 1);
    const Value chosen = draw.choice(range_);
    const Value move = draw.uniform({n, 4, 2}, {-0.5 * scale_, 0.5 * scale_});
    const Value corners = ops::cast(
        ops::constant(
            draw.graph(),
            Tensor(std::vector<double>{0, 0, x, 0, 0, y, x, y}, {1, 4, 2})),
        move.dtype());
    const Value start = ops::broadcast_to(corners, {n, 4, 2});
    const Value end = start + start * move;
    const auto warp = [=, this](const Value& image, const std::string& method) {
      const Value moved = ops::image::perspective_transform(
          image,
          start,
          end,
          {.interpolation = method, .fill_value = fill_value_});
      return ops::where(chosen, moved, image);
    };
    return {
        .images = [=, this](const Value& v) { return warp(v, interpolation_); },
        .masks = [=](const Value& v) { return warp(v, "nearest"); },
        .boxes =
            [=, this](const Boxes& boxes) {
              // From where a pixel was to where it shows.
              const Value matrix =
                  ops::image::compute_homography_matrix(end, start);
              const Value here = ops::reshape(chosen, {n, 1, 1});
              return move_boxes(
                  boxes, box_format(), size, [&](const Corners& c) {
                    const auto number = [&](std::int64_t i) {
                      return ops::reshape(
                          like(c.x1, ops::slice_axis(matrix, 1, i, i + 1)),
                          {n, 1, 1});
                    };
                    const Corners moved =
                        around(c, [&](const Value& px, const Value& py) {
                          const Value k = number(6) * px + number(7) * py + 1.0;
                          return std::pair(
                              (number(0) * px + number(1) * py + number(2)) / k,
                              (number(3) * px + number(4) * py + number(5)) /
                                  k);
                        });
                    return Corners{
                        ops::where(here, moved.x1, c.x1),
                        ops::where(here, moved.y1, c.y1),
                        ops::where(here, moved.x2, c.x2),
                        ops::where(here, moved.y2, c.y2)};
                  });
            }};
  }

 protected:
  void settle() override {
    ImageLayer::settle();
    range_ = factor_range(factor_, "factor", {0, 1});
    if (!factor_.is_array()) factor_ = range_config(range_);
  }

 private:
  Config factor_ = 1.0;
  double scale_ = 1;
  std::string interpolation_ = "bilinear";
  double fill_value_ = 0;
  Range range_;
};

class RandomElasticTransformImpl final : public ImageLayer {
 public:
  RandomElasticTransformImpl() = default;

  explicit RandomElasticTransformImpl(
      const RandomElasticTransformOptions& options)
      : ImageLayer(options),
        factor_(options.factor.config()),
        scale_(options.scale.config()),
        interpolation_(options.interpolation),
        fill_mode_(options.fill_mode),
        fill_value_(options.fill_value),
        value_range_(options.value_range.config()) {
    seed_ = options.seed;
    settle();
  }

  std::string class_name() const override { return "RandomElasticTransform"; }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("factor", factor_);
    visit("scale", scale_);
    visit(
        "interpolation", interpolation_, {.choices = {"nearest", "bilinear"}});
    visit(
        "fill_mode",
        fill_mode_,
        {.choices = {"constant", "nearest", "wrap", "mirror", "reflect"}});
    visit("fill_value", fill_value_);
    visit("value_range", value_range_);
    visit_seed(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    if (scales_.high == 0 || range_.high == 0) return {};
    const Value chosen = draw.choice(range_);
    const Value distortion = draw.uniform({}, scales_);
    const Value state = draw.state();
    const auto longer =
        static_cast<double>(std::max(draw.height(), draw.width()));
    const auto shorter =
        static_cast<double>(std::min(draw.height(), draw.width()));
    const Value alpha = distortion * (0.1 * longer);
    const Value sigma = distortion * (0.05 * shorter);
    const auto most = static_cast<std::int64_t>(0.05 * shorter * scales_.high);
    const auto warp = [=, this](const Value& x, const std::string& method) {
      const Value moved = ops::image::elastic_transform(
          x,
          state,
          alpha,
          sigma,
          most,
          {.interpolation = method,
           .fill_mode = fill_mode_,
           .fill_value = fill_value_});
      return ops::clip(ops::where(chosen, moved, x), values_.low, values_.high);
    };
    return {
        .images = [=, this](const Value& x) { return warp(x, interpolation_); },
        .masks = [=](const Value& x) { return warp(x, "nearest"); }};
  }

 protected:
  void settle() override {
    ImageLayer::settle();
    range_ = factor_range(factor_, "factor", {0, 1});
    scales_ = factor_range(scale_, "scale", {0, 1});
    if (!factor_.is_array()) factor_ = range_config(range_);
    if (!scale_.is_array()) scale_ = range_config(scales_);
    values_ = value_range(value_range_);
  }

  bool takes_boxes() const override { return false; }

 private:
  Config factor_ = 1.0;
  Config scale_ = 1.0;
  std::string interpolation_ = "bilinear";
  std::string fill_mode_ = "reflect";
  double fill_value_ = 0;
  Config value_range_ = range_config({0, 255});
  Range range_;
  Range scales_;
  Range values_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_random_perspective() {
  return std::make_shared<RandomPerspectiveImpl>();
}

std::shared_ptr<LayerImpl> make_random_elastic_transform() {
  return std::make_shared<RandomElasticTransformImpl>();
}

RandomPerspective::RandomPerspective(RandomPerspectiveOptions options)
    : Layer(std::make_shared<RandomPerspectiveImpl>(options)) {}

RandomElasticTransform::RandomElasticTransform(
    RandomElasticTransformOptions options)
    : Layer(std::make_shared<RandomElasticTransformImpl>(options)) {}

}  // namespace keratin::layers
