#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <keratin/layers/image_preprocessing.hpp>

#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

/// Two numbers: the ends of a range, or a scalar's range.
struct Range {
  double low = 0;
  double high = 0;

  bool operator==(const Range&) const = default;
};

struct Boxes {
  Value boxes;   // [batch, boxes, 4], floating point
  Value labels;  // [batch, boxes]
};

/// What one draw of a layer does to images and to what belongs to them. An
/// empty function leaves its part alone.
struct Transformation {
  std::function<Value(const Value&)> images = {};  // [n, h, w, c]
  std::function<Value(const Value&)> masks = {};   // the same
  std::function<Value(const Value&)> labels = {};
  std::function<Boxes(const Boxes&)> boxes = {};
};

/// What a layer draws its random numbers with, and for which images.
class Draw {
 public:
  using NextState = std::function<Value()>;

  Draw(Graph& graph, NextState next, Shape images, DType dtype)
      : graph_(graph),
        next_(std::move(next)),
        images_(std::move(images)),
        dtype_(dtype) {}

  Graph& graph() const { return graph_; }

  /// [n, h, w, c].
  const Shape& images() const { return images_; }

  std::int64_t batch() const { return images_[0]; }

  std::int64_t height() const { return images_[1]; }

  std::int64_t width() const { return images_[2]; }

  /// Of the random numbers: the compute dtype, float32 in place of a half.
  DType real() const { return wide_dtype(dtype_); }

  Value state() const { return next_(); }

  Value uniform(const Shape& shape, const Range& range) const;
  Value normal(const Shape& shape) const;

  /// A whole number of [low, high) for each image of `shape`, i32.
  Value integers(const Shape& shape, std::int64_t low, std::int64_t high) const;

  /// log of a gamma distribution's numbers (scale 1); alpha: scalar.
  Value log_gamma(const Shape& shape, const Value& alpha) const;

  /// The beta distribution (alpha, alpha).
  Value beta(const Shape& shape, const Value& alpha) const;

  /// Of 0 ... count - 1, i32.
  Value permutation(std::int64_t count) const;

  /// bool[n, 1, 1, 1]: true with a probability drawn from the range.
  Value choice(const Range& probability) const;

 private:
  Graph& graph_;
  NextState next_;
  Shape images_;
  DType dtype_;
};

/// The base of layers on images.
class ImageLayer : public KerasLayer {
 public:
  ImageLayer() = default;

  template <class Options>
  explicit ImageLayer(const Options& options)
      : KerasLayer(options),
        data_format_(options.data_format),
        bounding_box_format_(options.bounding_box_format) {}

  /// Adds data_format and bounding_box_format.
  void fields(FieldVisitor& visit) override;
  Config get_config() const override;
  void build(const std::vector<Shape>& inputs) override;
  std::vector<Spec> compute_output_spec(const Arguments<Spec>& inputs) override;
  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override;

  /// One draw, in training (always, when works_always()).
  virtual Transformation transformation(const Draw& draw) const = 0;

 protected:
  /// Layers without chance that do not wait for training.
  virtual bool works_always() const { return false; }

  /// Whether integers stay integers.
  virtual bool keeps_integers() const { return false; }

  /// False: boxes are an error.
  virtual bool takes_boxes() const { return true; }

  virtual bool is_random() const { return true; }

  /// Height and width of the result, in Keras's symbolic shapes.
  virtual std::optional<std::array<std::int64_t, 2>> size() const { return {}; }

  /// Fails for images that the layer cannot work on.
  virtual void check_images(const Shape& images) const { (void)images; }

  void visit_seed(FieldVisitor& visit) { visit("seed", seed_); }

  bool channels_first() const { return data_format_ == "channels_first"; }

  const std::string& data_format() const { return data_format_; }

  /// "" when not given.
  std::string box_format() const {
    return bounding_box_format_.value_or(std::string());
  }

  /// `value` as a range within `bounds`, by Keras's rule: a number f is (-f, f)
  /// cut at the lower bound; a pair is sorted and has to touch the bounds.
  Range factor_range(
      const Config& value, const char* name, const Range& bounds) const;

  /// Both numbers within the bounds, a number f as (from, f) with `from` given.
  Range strict_range(
      const Config& value,
      const char* name,
      const Range& bounds,
      std::optional<double> from = {}) const;

  /// Two numbers, sorted.
  Range value_range(const Config& value) const;

  std::optional<std::int64_t> seed_;

 private:
  struct Parts;
  Parts parts_of(const CallInputs& inputs) const;

  std::string data_format_ = "channels_last";
  std::optional<std::string> bounding_box_format_;
  Variable state_;
};

/// As configs hold a range.
Config range_config(const Range& range);

/// factor cast to x's dtype.
Value like(const Value& x, const Value& factor);

/// [n] as [n, 1, 1, 1].
Value per_image(const Value& x);

/// From one range to the other, in `dtype`; x itself where they are one.
Value change_range(
    const Value& x, const Range& from, const Range& to, DType dtype);

}  // namespace keratin::layers
