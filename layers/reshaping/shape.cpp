// Flatten, Reshape, Permute and RepeatVector.

#include <algorithm>
#include <numeric>
#include <utility>

#include <keratin/layers/reshaping.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

class FlattenImpl final : public KerasLayer {
 public:
  FlattenImpl() = default;

  explicit FlattenImpl(FlattenOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "Flatten"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit(
        "data_format",
        o_.data_format,
        {.choices = {"channels_last", "channels_first"}});
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 1);
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    const bool first = o_.data_format == "channels_first" && x.rank() > 2;
    const Shape rest(std::vector(x.shape().begin() + 1, x.shape().end()));
    return ops::reshape(
        first ? channels_to_last(x) : x, {x.shape()[0], rest.size()});
  }

 private:
  FlattenOptions o_;
};

class ReshapeImpl final : public KerasLayer {
 public:
  ReshapeImpl() = default;

  ReshapeImpl(std::vector<std::int64_t> target, const LayerOptions& options)
      : KerasLayer(options), target_(std::move(target)) {
    settle();
  }

  std::string class_name() const override { return "Reshape"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("target_shape", target_, {.required = true});
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 1);
    output_shape(inputs[0]);  // only checks
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    return ops::reshape(x, output_shape(x.shape()));
  }

  /// Tracing would need numbers that the target divides.
  std::vector<Spec> compute_output_spec(
      const Arguments<Spec>& inputs) override {
    const Spec& x = inputs.inputs()[0];
    const bool cast = is_floating(x.dtype);
    return {{output_shape(x.shape), cast ? compute_dtype() : x.dtype}};
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    for (const std::int64_t dim : target_) {
      if (dim < -1) fail(format("expected extents >= -1, got {}", dim));
    }
    if (std::count(target_.begin(), target_.end(), -1) > 1) {
      fail(format(
          "expected at most one -1 in target_shape, got {}",
          Config::ints(target_).dump()));
    }
  }

 private:
  Shape output_shape(const Shape& input) const {
    const Shape row(std::vector(input.begin() + 1, input.end()));
    const bool known = row.is_static();
    const std::int64_t size = known ? row.size() : 0;
    Shape given;
    for (const std::int64_t dim : target_) {
      if (dim != -1) given.push_back(dim);
    }
    const bool open = given.rank() < target_.size();
    const std::int64_t rest = given.size();
    const bool fits = open ? rest != 0 && size % rest == 0 : size == rest;
    if (known && !fits) {
      fail(format(
          "expected a target_shape of {} elements, as the input {} has after "
          "the batch axis, got {}",
          size,
          input,
          Config::ints(target_).dump()));
    }
    Shape out = {input[0]};
    for (const std::int64_t dim : target_) {
      if (dim != -1) {
        out.push_back(dim);
      } else {
        out.push_back(known ? size / rest : kUnknown);
      }
    }
    return out;
  }

  std::vector<std::int64_t> target_;
};

class PermuteImpl final : public KerasLayer {
 public:
  PermuteImpl() = default;

  PermuteImpl(std::vector<std::int64_t> dims, const LayerOptions& options)
      : KerasLayer(options), dims_(std::move(dims)) {
    settle();
  }

  std::string class_name() const override { return "Permute"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("dims", dims_, {.required = true});
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_rank(inputs, dims_.size() + 1);
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    ops::Axes permutation = {0};
    permutation.insert(permutation.end(), dims_.begin(), dims_.end());
    return ops::transpose(x, permutation);
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    std::vector<std::int64_t> expected(dims_.size());
    std::iota(expected.begin(), expected.end(), 1);
    std::vector<std::int64_t> sorted = dims_;
    std::sort(sorted.begin(), sorted.end());
    if (sorted != expected) {
      fail(format(
          "expected dims to hold each of 1 to {} once, got {}",
          dims_.size(),
          Config::ints(dims_).dump()));
    }
  }

 private:
  std::vector<std::int64_t> dims_;
};

class RepeatVectorImpl final : public KerasLayer {
 public:
  RepeatVectorImpl() = default;

  RepeatVectorImpl(std::int64_t n, const LayerOptions& options)
      : KerasLayer(options), n_(n) {
    settle();
  }

  std::string class_name() const override { return "RepeatVector"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("n", n_, {.required = true, .minimum = 1});
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_rank(inputs, 2);
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    return ops::broadcast_to(
        ops::expand_dims(x, 1), {x.shape()[0], n_, x.shape()[1]});
  }

 private:
  std::int64_t n_ = 0;
};

}  // namespace

std::shared_ptr<LayerImpl> make_flatten() {
  return std::make_shared<FlattenImpl>();
}

std::shared_ptr<LayerImpl> make_reshape() {
  return std::make_shared<ReshapeImpl>();
}

std::shared_ptr<LayerImpl> make_permute() {
  return std::make_shared<PermuteImpl>();
}

std::shared_ptr<LayerImpl> make_repeat_vector() {
  return std::make_shared<RepeatVectorImpl>();
}

Flatten::Flatten(FlattenOptions options)
    : Layer(std::make_shared<FlattenImpl>(std::move(options))) {}

Reshape::Reshape(std::vector<std::int64_t> target_shape, LayerOptions options)
    : Layer(std::make_shared<ReshapeImpl>(std::move(target_shape), options)) {}

Permute::Permute(std::vector<std::int64_t> dims, LayerOptions options)
    : Layer(std::make_shared<PermuteImpl>(std::move(dims), options)) {}

RepeatVector::RepeatVector(std::int64_t n, LayerOptions options)
    : Layer(std::make_shared<RepeatVectorImpl>(n, options)) {}

}  // namespace keratin::layers
