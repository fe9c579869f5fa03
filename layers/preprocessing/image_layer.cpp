#include "layers/preprocessing/image_layer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <keratin/ops_image.hpp>

#include "layers/preprocessing/boxes.hpp"

namespace keratin::layers {

Config Factor::number(double value) {
  const auto whole = static_cast<std::int64_t>(value);
  if (static_cast<double>(whole) == value && value != 0 && value != 1) {
    return Config(whole);
  }
  return Config(value);
}

// -- random numbers
// ----------------------------------------------------------

Value Draw::uniform(const Shape& shape, const Range& range) const {
  // Keras takes the bounds in float32 whatever the dtype.
  const auto rounded = [](double bound) {
    return static_cast<double>(static_cast<float>(bound));
  };
  return ops::random_uniform(
      state(), shape, rounded(range.low), rounded(range.high), real());
}

Value Draw::normal(const Shape& shape) const {
  return ops::random_normal(state(), shape, 0, 1, real());
}

Value Draw::integers(
    const Shape& shape, std::int64_t low, std::int64_t high) const {
  const Value u = ops::random_uniform(
      state(), shape, static_cast<double>(low), static_cast<double>(high));
  return ops::cast(ops::floor(u), DType::i32);
}

Value Draw::log_gamma(const Shape& shape, const Value& alpha) const {
  // Marsaglia and Tsang, "A simple method for generating gamma variables",
  // 2000, for alpha + 1; then times u^(1 / alpha), as logs, for small alphas
  // give numbers that are zero otherwise. Of ten tries, each good with 0.95 and
  // more, the first good one counts.
  constexpr int kTries = 10;
  const Value d = ops::cast(alpha, real()) + 2.0 / 3;
  const Value c = ops::rsqrt(d * 9.0);
  Value found;
  for (int i = 0; i < kTries; ++i) {
    const Value z = normal(shape);
    const Value root = c * z + 1.0;
    const Value positive = ops::greater(root, 0.0);
    const Value v =
        ops::where(positive, root * ops::square(root), ops::ones_like(root));
    const Value u = uniform(shape, {1e-12, 1});
    const Value good = ops::logical_and(
        positive,
        ops::less(
            ops::log(u), ops::square(z) * 0.5 + d - d * v + d * ops::log(v)));
    const Value log_value = ops::log(d * v);
    found =
        found
            ? ops::where(
                  ops::isnan(found), ops::where(good, log_value, found), found)
            : ops::where(
                  good, log_value, ops::full_like(log_value, std::nan("")));
  }
  const Value mean = ops::broadcast_to(ops::log(d), shape);
  found = ops::where(ops::isnan(found), mean, found);
  const Value u = uniform(shape, {1e-30, 1});
  return found + ops::log(u) / ops::cast(alpha, real());
}

Value Draw::beta(const Shape& shape, const Value& alpha) const {
  return ops::sigmoid(log_gamma(shape, alpha) - log_gamma(shape, alpha));
}

Value Draw::permutation(std::int64_t count) const {
  return ops::sort(ops::random_uniform(state(), {count})).indices;
}

Value Draw::choice(const Range& probability) const {
  const Value wanted = uniform({batch()}, probability);
  return per_image(ops::less(uniform({batch()}, {0, 1}), wanted));
}

// -- the layer
// ---------------------------------------------------------------

/// The images as [n, h, w, c], the rest as given; empty where not given.
struct ImageLayer::Parts {
  Value images;
  bool single = false;  // one image without batch
  Value labels;
  Value masks;
  Boxes boxes;
};

void ImageLayer::fields(FieldVisitor& visit) {
  KerasLayer::fields(visit);
  visit(
      "data_format",
      data_format_,
      {.choices = {"channels_last", "channels_first"}});
  visit("bounding_box_format", bounding_box_format_);
}

Config ImageLayer::get_config() const {
  Config config = KerasLayer::get_config();
  if (!bounding_box_format_) config.erase("bounding_box_format");
  return config;
}

void ImageLayer::build(const std::vector<Shape>& inputs) {
  if (inputs[0].rank() != 3 && inputs[0].rank() != 4) {
    fail(format(
        "expected one image of rank 3 or a batch of rank 4, got {}",
        inputs[0]));
  }
  if (bounding_box_format_) check_box_format(*bounding_box_format_, who());
  if (is_random()) state_ = add_seed_generator(seed_);
}

std::vector<LayerImpl::Spec> ImageLayer::compute_output_spec(
    const Arguments<Spec>& inputs) {
  const auto wanted = size();
  if (!wanted) return LayerImpl::compute_output_spec(inputs);
  // Not traced: the matrices of a resize would be large for the numbers in
  // place of unknown extents.
  const auto tensors = inputs.tensors();
  if (tensors.empty()) fail("got no input tensor");
  std::vector<Spec> specs(tensors.begin(), tensors.end());
  Shape& shape = specs[0].shape;
  ensure_built({shape});
  const std::size_t rank = shape.rank();
  const std::size_t row = channels_first() ? rank - 2 : rank - 3;
  shape[row] = (*wanted)[0];
  shape[row + 1] = (*wanted)[1];
  if (is_floating(specs[0].dtype) || !keeps_integers()) {
    specs[0].dtype = compute_dtype();
  }
  return specs;
}

ImageLayer::Parts ImageLayer::parts_of(const CallInputs& inputs) const {
  Parts parts;
  for (const Argument<Value>& item : inputs.items) {
    if (item.tensors.empty()) continue;  // training=True
    if (item.tensors.size() != 1) {
      fail(format(
          "expected one tensor as {}, got {}",
          item.name.empty() ? "images" : item.name,
          item.tensors.size()));
    }
    Value* part = nullptr;
    if (item.name.empty() || item.name == "images") part = &parts.images;
    if (item.name == "labels") part = &parts.labels;
    if (item.name == "segmentation_masks") part = &parts.masks;
    if (item.name == "boxes") part = &parts.boxes.boxes;
    if (item.name == "box_labels") part = &parts.boxes.labels;
    if (part == nullptr) {
      fail(format(
          "takes images, labels, segmentation_masks, boxes and box_labels, got "
          "'{}'",
          item.name));
    }
    if (*part) fail("got the same argument twice");
    *part = item.tensors[0];
  }
  if (!parts.images) fail("got no images");
  const Shape& shape = parts.images.shape();
  if (shape.rank() != 3 && shape.rank() != 4) {
    fail(format(
        "expected one image of rank 3 or a batch of rank 4, got {}", shape));
  }
  parts.single = shape.rank() == 3;
  Value& boxes = parts.boxes.boxes;
  if (!boxes) {
    if (parts.boxes.labels) fail("got box_labels without boxes");
    return parts;
  }
  if (!takes_boxes()) fail("does not transform boxes; leave them out");
  if (!bounding_box_format_) {
    fail(
        "got boxes but no bounding_box_format; give it, e.g. "
        ".bounding_box_format = \"xyxy\"");
  }
  if (boxes.rank() + 1 != shape.rank() || boxes.shape().back() != 4) {
    fail(format(
        "expected boxes [{}boxes,4] for images {}, got {}",
        parts.single ? "" : "batch,",
        shape,
        boxes.shape()));
  }
  return parts;
}

std::vector<Value> ImageLayer::call_many(
    CallContext& ctx, const CallInputs& inputs) {
  Parts parts = parts_of(inputs);
  if (is_floating(parts.images.dtype()) || !keeps_integers()) {
    parts.images = ops::cast(parts.images, compute_dtype());
  }
  const auto arranged = [&](const Value& x) {
    const Value batch = parts.single ? ops::expand_dims(x, 0) : x;
    return channels_first() ? ops::transpose(batch, {0, 2, 3, 1}) : batch;
  };
  const Shape shape = arranged(parts.images).shape();
  check_images(shape);
  if (ctx.training() || works_always()) {
    const Draw draw(
        ctx.graph(),
        [&] { return ctx.next_random_state(state_); },
        shape,
        compute_dtype());
    const Transformation done = transformation(draw);
    const auto on_images = [&](Value& x, const auto& f) {
      if (!x || !f) return;
      Value y = f(arranged(x));
      if (channels_first()) y = ops::transpose(y, {0, 3, 1, 2});
      x = parts.single ? ops::squeeze(y, {0}) : y;
    };
    on_images(parts.images, done.images);
    on_images(parts.masks, done.masks);
    const auto batched = [&](const Value& x) {
      return parts.single && x ? ops::expand_dims(x, 0) : x;
    };
    const auto back = [&](const Value& x) {
      return parts.single && x ? ops::squeeze(x, {0}) : x;
    };
    if (parts.labels && done.labels) {
      parts.labels = back(done.labels(batched(parts.labels)));
    }
    if (parts.boxes.boxes && done.boxes) {
      Boxes boxes = {
          batched(ops::cast(parts.boxes.boxes, wide_dtype(compute_dtype()))),
          batched(parts.boxes.labels)};
      boxes = done.boxes(boxes);
      parts.boxes = {back(boxes.boxes), back(boxes.labels)};
    }
  }
  std::vector<Value> results = {parts.images};
  for (const Value& part :
       {parts.labels, parts.masks, parts.boxes.boxes, parts.boxes.labels}) {
    if (part) results.push_back(part);
  }
  return results;
}

// -- arguments
// ---------------------------------------------------------------

namespace {

std::optional<Range> pair_of(const Config& value) {
  if (!value.is_array() || value.size() != 2) return {};
  const Config& low = value.as_array()[0];
  const Config& high = value.as_array()[1];
  if (!low.is_number() || !high.is_number()) return {};
  return Range{
      std::min(low.as_number(), high.as_number()),
      std::max(low.as_number(), high.as_number())};
}

}  // namespace

Range ImageLayer::factor_range(
    const Config& value, const char* name, const Range& bounds) const {
  const auto refuse = [&] {
    fail(format(
        "expected {} to be a number or two in [{}, {}], got {}",
        name,
        bounds.low,
        bounds.high,
        value.dump()));
  };
  if (const auto pair = pair_of(value)) {
    // As in Keras, a pair may reach beyond the bounds.
    const double first = value.as_array()[0].as_number();
    const double second = value.as_array()[1].as_number();
    if (first > bounds.high || second < bounds.low) refuse();
    return *pair;
  }
  if (!value.is_number()) refuse();
  const double number = value.as_number();
  if (number < bounds.low || number > bounds.high) refuse();
  return {std::max(-std::abs(number), bounds.low), std::abs(number)};
}

Range ImageLayer::strict_range(
    const Config& value,
    const char* name,
    const Range& bounds,
    std::optional<double> from) const {
  const auto inside = [&](double number) {
    return number >= bounds.low && number <= bounds.high;
  };
  if (const auto pair = pair_of(value)) {
    if (inside(pair->low) && inside(pair->high)) return *pair;
  } else if (value.is_number() && inside(value.as_number())) {
    const double number = std::abs(value.as_number());
    return {from.value_or(-number), number};
  }
  fail(format(
      "expected {} to be a number or two in [{}, {}], got {}",
      name,
      bounds.low,
      bounds.high,
      value.dump()));
}

Range ImageLayer::value_range(const Config& value) const {
  const auto pair = pair_of(value);
  if (!pair || pair->low == pair->high) {
    fail(format(
        "expected value_range to be two different numbers, got {}",
        value.dump()));
  }
  return *pair;
}

Config range_config(const Range& range) {
  return Factor(range.low, range.high).config();
}

Value like(const Value& x, const Value& factor) {
  return ops::cast(factor, x.dtype());
}

Value per_image(const Value& x) {
  return ops::reshape(x, {x.shape()[0], 1, 1, 1});
}

Value change_range(
    const Value& x, const Range& from, const Range& to, DType dtype) {
  if (from == to) return x;
  const Value part = (ops::cast(x, dtype) - from.low) / (from.high - from.low);
  return part * (to.high - to.low) + to.low;
}

}  // namespace keratin::layers
