// Resizing, CenterCrop, RandomCrop.

#include <algorithm>
#include <cmath>
#include <utility>

#include <keratin/ops_image.hpp>

#include "layers/preprocessing/boxes.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

/// Python's int(float(a * b) / c).
std::int64_t in_proportion(std::int64_t a, std::int64_t b, std::int64_t c) {
  return a * b / c;
}

/// The largest part of an image, in the middle, with a target's proportions.
struct Part {
  Part(const Extent& image, const Extent& target)
      : height(std::max<std::int64_t>(
            std::min(
                image.height,
                in_proportion(image.width, target.height, target.width)),
            1)),
        width(std::max<std::int64_t>(
            std::min(
                image.width,
                in_proportion(image.height, target.width, target.height)),
            1)),
        top((image.height - height) / 2),
        left((image.width - width) / 2) {}

  std::int64_t height;
  std::int64_t width;
  std::int64_t top;
  std::int64_t left;
};

Corners shifted(const Corners& c, double x, double y) {
  return {c.x1 - x, c.y1 - y, c.x2 - x, c.y2 - y};
}

Corners scaled(const Corners& c, double x, double y) {
  return {c.x1 * x, c.y1 * y, c.x2 * x, c.y2 * y};
}

double ratio(std::int64_t a, std::int64_t b) {
  return static_cast<double>(a) / static_cast<double>(b);
}

class SizedLayer : public ImageLayer {
 public:
  SizedLayer() = default;

  template <class Options>
  SizedLayer(std::int64_t height, std::int64_t width, const Options& options)
      : ImageLayer(options), target_{height, width} {}

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("height", target_.height, {.required = true, .minimum = 1});
    visit("width", target_.width, {.required = true, .minimum = 1});
  }

 protected:
  std::optional<std::array<std::int64_t, 2>> size() const override {
    return {{target_.height, target_.width}};
  }

  const Extent& target() const { return target_; }

 private:
  Extent target_;
};

class ResizingImpl final : public SizedLayer {
 public:
  ResizingImpl() = default;

  ResizingImpl(
      std::int64_t height, std::int64_t width, const ResizingOptions& options)
      : SizedLayer(height, width, options),
        interpolation_(options.interpolation),
        crop_(options.crop_to_aspect_ratio),
        pad_(options.pad_to_aspect_ratio),
        fill_mode_(options.fill_mode),
        fill_value_(options.fill_value),
        antialias_(options.antialias) {
    settle();
  }

  std::string class_name() const override { return "Resizing"; }

  void fields(FieldVisitor& visit) override {
    SizedLayer::fields(visit);
    visit(
        "interpolation",
        interpolation_,
        {.choices = {
             "bilinear",
             "nearest",
             "bicubic",
             "lanczos3",
             "lanczos5",
             "area"}});
    visit("crop_to_aspect_ratio", crop_);
    visit("pad_to_aspect_ratio", pad_);
    visit("fill_mode", fill_mode_, {.choices = {"constant"}});
    visit("fill_value", fill_value_);
    visit("antialias", antialias_);
  }

  Transformation transformation(const Draw& draw) const override {
    const auto resize = [this](const Value& x, const std::string& method) {
      return ops::image::resize(
          x,
          {target().height, target().width},
          {.interpolation = method,
           .antialias = antialias_,
           .crop_to_aspect_ratio = crop_,
           .pad_to_aspect_ratio = pad_,
           .fill_mode = fill_mode_,
           .fill_value = fill_value_});
    };
    const Extent from = {draw.height(), draw.width()};
    return {
        .images = [=,
                   this](const Value& x) { return resize(x, interpolation_); },
        .masks = [=](const Value& x) { return resize(x, "nearest"); },
        .boxes = [=, this](const Boxes& b) { return boxes(b, from); }};
  }

 protected:
  void settle() override {
    SizedLayer::settle();
    if (crop_ && pad_) {
      fail(
          "expected one of crop_to_aspect_ratio and pad_to_aspect_ratio, got "
          "both");
    }
  }

  bool works_always() const override { return true; }

  bool keeps_integers() const override { return true; }

  bool is_random() const override { return false; }

 private:
  Boxes boxes(const Boxes& boxes, const Extent& from) const {
    // Boxes of zeros or of -1 only fill the list up.
    const auto all = [&](double number) {
      return ops::all(ops::equal(boxes.boxes, number), {2}, true);
    };
    const Value none = ops::logical_or(all(-1), all(0));
    Corners c = clip_corners(
        moved(corners_of(boxes.boxes, box_format(), from), from), target());
    const Value labels = labels_of(c, boxes.labels);
    const auto zero = [&](Value& v) {
      v = ops::where(none, ops::zeros_like(v), v);
    };
    zero(c.x1);
    zero(c.y1);
    zero(c.x2);
    zero(c.y2);
    return {boxes_of(c, box_format(), target()), labels};
  }

  Corners moved(const Corners& c, const Extent& from) const {
    const double rows = ratio(target().height, from.height);
    const double columns = ratio(target().width, from.width);
    const auto height = static_cast<double>(target().height);
    const auto width = static_cast<double>(target().width);
    const auto half = [](double rest) { return std::floor(rest / 2); };
    if (pad_) {
      const double scale = std::min(rows, columns);
      return shifted(
          scaled(c, scale, scale),
          -half(width - static_cast<double>(from.width) * scale),
          -half(height - static_cast<double>(from.height) * scale));
    }
    if (crop_) {
      const double scale = std::max(rows, columns);
      return shifted(
          scaled(c, scale, scale),
          half(static_cast<double>(from.width) * scale - width),
          half(static_cast<double>(from.height) * scale - height));
    }
    return scaled(c, columns, rows);
  }

  std::string interpolation_ = "bilinear";
  bool crop_ = false;
  bool pad_ = false;
  std::string fill_mode_ = "constant";
  double fill_value_ = 0;
  bool antialias_ = false;
};

class CenterCropImpl final : public SizedLayer {
 public:
  CenterCropImpl() = default;

  CenterCropImpl(
      std::int64_t height, std::int64_t width, const ImageOptions& options)
      : SizedLayer(height, width, options) {
    settle();
  }

  std::string class_name() const override { return "CenterCrop"; }

  Transformation transformation(const Draw& draw) const override {
    const std::int64_t rows = draw.height() - target().height;
    const std::int64_t columns = draw.width() - target().width;
    const Extent from = {draw.height(), draw.width()};
    if (rows >= 0 && columns >= 0) {
      const std::int64_t top = rows / 2;
      const std::int64_t left = columns / 2;
      const auto crop = [=](const Value& x) {
        return ops::image::crop_images(
            x, {top, left, rows - top, columns - left});
      };
      return {
          .images = crop, .masks = crop, .boxes = [=, this](const Boxes& b) {
            return boxes(b, from, top, left, target().height, target().width);
          }};
    }
    const auto resize = [this](const Value& x) {
      return ops::image::resize(
          x, {target().height, target().width}, {.crop_to_aspect_ratio = true});
    };
    const Part part(from, target());
    return {
        .images = resize, .masks = resize, .boxes = [=, this](const Boxes& b) {
          return boxes(b, from, part.top, part.left, part.height, part.width);
        }};
  }

 protected:
  bool works_always() const override { return true; }

  bool is_random() const override { return false; }

 private:
  Boxes boxes(
      const Boxes& boxes,
      const Extent& from,
      std::int64_t top,
      std::int64_t left,
      std::int64_t height,
      std::int64_t width) const {
    Corners c = clip_corners(
        shifted(
            corners_of(boxes.boxes, box_format(), from),
            static_cast<double>(left),
            static_cast<double>(top)),
        {height, width});
    c = scaled(c, ratio(target().width, width), ratio(target().height, height));
    return {boxes_of(c, box_format(), target()), labels_of(c, boxes.labels)};
  }
};

class RandomCropImpl final : public SizedLayer {
 public:
  RandomCropImpl() = default;

  RandomCropImpl(
      std::int64_t height,
      std::int64_t width,
      const RandomImageOptions& options)
      : SizedLayer(height, width, options) {
    seed_ = options.seed;
    settle();
  }

  std::string class_name() const override { return "RandomCrop"; }

  void fields(FieldVisitor& visit) override {
    SizedLayer::fields(visit);
    visit_seed(visit);
  }

  Transformation transformation(const Draw& draw) const override {
    const std::int64_t rows = draw.height() - target().height;
    const std::int64_t columns = draw.width() - target().width;
    const Extent from = {draw.height(), draw.width()};
    if (rows > 0 && columns > 0) {
      const Value top = draw.integers({1}, 0, rows + 1);
      const Value left = draw.integers({1}, 0, columns + 1);
      const auto crop = [=, this](const Value& x) {
        const auto places = [&](const Value& start, std::int64_t count) {
          return start + ops::iota(x.graph(), {count}, 0, DType::i32);
        };
        return ops::take(
            ops::take(x, places(top, target().height), 1),
            places(left, target().width),
            2);
      };
      return {
          .images = crop, .masks = crop, .boxes = [=, this](const Boxes& b) {
            const Corners c = corners_of(b.boxes, box_format(), from);
            const Value x = like(c.x1, left);
            const Value y = like(c.x1, top);
            return moved(b, {c.x1 - x, c.y1 - y, c.x2 - x, c.y2 - y});
          }};
    }
    // Keras cuts the proportions' part from where it starts, but as much as
    // there is of the target's own size, and resizes only what is too small.
    const Part part(from, target());
    const std::int64_t bottom =
        std::min(from.height, part.top + target().height);
    const std::int64_t right = std::min(from.width, part.left + target().width);
    const auto crop = [=, this](const Value& x) {
      const Value cut = ops::slice_axis(
          ops::slice_axis(x, 1, part.top, bottom), 2, part.left, right);
      return ops::image::resize(cut, {target().height, target().width});
    };
    return {.images = crop, .masks = crop, .boxes = [=, this](const Boxes& b) {
              const Corners c = shifted(
                  corners_of(b.boxes, box_format(), from),
                  static_cast<double>(part.left),
                  static_cast<double>(part.top));
              return moved(
                  b,
                  scaled(
                      c,
                      ratio(target().width, right - part.left),
                      ratio(target().height, bottom - part.top)));
            }};
  }

 private:
  Boxes moved(const Boxes& boxes, const Corners& corners) const {
    const Corners c = clip_corners(corners, target());
    return {boxes_of(c, box_format(), target()), labels_of(c, boxes.labels)};
  }
};

}  // namespace

std::shared_ptr<LayerImpl> make_resizing() {
  return std::make_shared<ResizingImpl>();
}

std::shared_ptr<LayerImpl> make_center_crop() {
  return std::make_shared<CenterCropImpl>();
}

std::shared_ptr<LayerImpl> make_random_crop() {
  return std::make_shared<RandomCropImpl>();
}

Resizing::Resizing(
    std::int64_t height, std::int64_t width, ResizingOptions options)
    : Layer(std::make_shared<ResizingImpl>(height, width, options)) {}

CenterCrop::CenterCrop(
    std::int64_t height, std::int64_t width, ImageOptions options)
    : Layer(std::make_shared<CenterCropImpl>(height, width, options)) {}

RandomCrop::RandomCrop(
    std::int64_t height, std::int64_t width, RandomImageOptions options)
    : Layer(std::make_shared<RandomCropImpl>(height, width, options)) {}

}  // namespace keratin::layers
