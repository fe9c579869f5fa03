#include <utility>

#include <keratin/layers/pooling.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/spatial_layer.hpp"

namespace keratin::layers {

namespace {

enum class Kind { max, average };

class PoolingImpl final : public SpatialLayer {
 public:
  PoolingImpl(Kind kind, std::size_t rank) : SpatialLayer(rank), kind_(kind) {}

  PoolingImpl(
      Kind kind, std::size_t rank, Dims pool_size, PoolingOptions options)
      : SpatialLayer(rank, options),
        kind_(kind),
        pool_size_(std::move(pool_size)),
        o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override {
    return ranked(kind_ == Kind::max ? "MaxPooling" : "AveragePooling");
  }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("pool_size", pool_size_, {.required = kind_ == Kind::average});
    visit("padding", o_.padding, {.choices = {"valid", "same"}});
    visit("strides", o_.strides);
    visit_data_format(visit);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_spatial(inputs);
  }

  Value call(CallContext& ctx, const Value& input) override {
    (void)ctx;
    const Value x = to_last(input);
    const ops::Ints& size = pool_size_.values();
    const ops::Window window =
        ops::make_window(o_.padding, extents(x), size, o_.strides.values(), {});
    return from_last(
        kind_ == Kind::max ? ops::max_pool(x, size, window)
                           : ops::average_pool(x, size, window));
  }

 protected:
  void settle() override {
    settle_dims(pool_size_, "pool_size");
    if (!o_.strides.given()) o_.strides = pool_size_;
    settle_dims(o_.strides, "strides");
    KerasLayer::settle();
  }

 private:
  Kind kind_;
  Dims pool_size_ = 2;
  PoolingOptions o_;
};

class GlobalPoolingImpl final : public SpatialLayer {
 public:
  GlobalPoolingImpl(Kind kind, std::size_t rank)
      : SpatialLayer(rank), kind_(kind) {}

  GlobalPoolingImpl(Kind kind, std::size_t rank, GlobalPoolingOptions options)
      : SpatialLayer(rank, options), kind_(kind), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override {
    return ranked(
        kind_ == Kind::max ? "GlobalMaxPooling" : "GlobalAveragePooling");
  }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit_data_format(visit);
    visit("keepdims", o_.keepdims);
  }

  bool takes_mask() const override {
    return kind_ == Kind::average && rank() == 1;
  }

  // Uses the mask up: the axis it goes along is gone.
  bool supports_masking() const override { return takes_mask(); }

  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override {
    (void)ctx;
    (void)inputs;
    return std::vector<Value>(outputs.size());
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_spatial(inputs);
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    const Value& x = inputs.inputs()[0];
    const std::int64_t first = channels_first() ? 2 : 1;
    ops::Axes axes;
    for (std::size_t i = 0; i < rank(); ++i) {
      axes.push_back(first + static_cast<std::int64_t>(i));
    }
    if (kind_ == Kind::max) return {ops::max(x, axes, o_.keepdims)};
    const Value mask = takes_mask() ? call_mask(ctx, inputs) : Value();
    if (!mask) return {ops::mean(x, axes, o_.keepdims)};
    const Value kept = ops::cast(
        ops::expand_dims(mask, channels_first() ? 1 : 2), DType::boolean);
    const Value sum =
        ops::sum(ops::where(kept, x, ops::zeros_like(x)), axes, o_.keepdims);
    const Value count = ops::sum(ops::cast(kept, x.dtype()), axes, o_.keepdims);
    return {sum / count};
  }

 private:
  Kind kind_;
  GlobalPoolingOptions o_;
};

template <Kind kKind, std::size_t kRank>
std::shared_ptr<LayerImpl> make_pooling() {
  return std::make_shared<PoolingImpl>(kKind, kRank);
}

template <Kind kKind, std::size_t kRank>
std::shared_ptr<LayerImpl> make_global() {
  return std::make_shared<GlobalPoolingImpl>(kKind, kRank);
}

std::shared_ptr<LayerImpl> pooling(
    Kind kind, std::size_t rank, Dims pool_size, PoolingOptions options) {
  return std::make_shared<PoolingImpl>(
      kind, rank, std::move(pool_size), std::move(options));
}

std::shared_ptr<LayerImpl> global(
    Kind kind, std::size_t rank, GlobalPoolingOptions options) {
  return std::make_shared<GlobalPoolingImpl>(kind, rank, std::move(options));
}

}  // namespace

std::shared_ptr<LayerImpl> make_max_pooling1d() {
  return make_pooling<Kind::max, 1>();
}

std::shared_ptr<LayerImpl> make_max_pooling2d() {
  return make_pooling<Kind::max, 2>();
}

std::shared_ptr<LayerImpl> make_max_pooling3d() {
  return make_pooling<Kind::max, 3>();
}

std::shared_ptr<LayerImpl> make_average_pooling1d() {
  return make_pooling<Kind::average, 1>();
}

std::shared_ptr<LayerImpl> make_average_pooling2d() {
  return make_pooling<Kind::average, 2>();
}

std::shared_ptr<LayerImpl> make_average_pooling3d() {
  return make_pooling<Kind::average, 3>();
}

std::shared_ptr<LayerImpl> make_global_max_pooling1d() {
  return make_global<Kind::max, 1>();
}

std::shared_ptr<LayerImpl> make_global_max_pooling2d() {
  return make_global<Kind::max, 2>();
}

std::shared_ptr<LayerImpl> make_global_max_pooling3d() {
  return make_global<Kind::max, 3>();
}

std::shared_ptr<LayerImpl> make_global_average_pooling1d() {
  return make_global<Kind::average, 1>();
}

std::shared_ptr<LayerImpl> make_global_average_pooling2d() {
  return make_global<Kind::average, 2>();
}

std::shared_ptr<LayerImpl> make_global_average_pooling3d() {
  return make_global<Kind::average, 3>();
}

MaxPooling1D::MaxPooling1D(Dims pool_size, PoolingOptions options)
    : Layer(pooling(Kind::max, 1, std::move(pool_size), std::move(options))) {}

MaxPooling2D::MaxPooling2D(Dims pool_size, PoolingOptions options)
    : Layer(pooling(Kind::max, 2, std::move(pool_size), std::move(options))) {}

MaxPooling3D::MaxPooling3D(Dims pool_size, PoolingOptions options)
    : Layer(pooling(Kind::max, 3, std::move(pool_size), std::move(options))) {}

AveragePooling1D::AveragePooling1D(Dims pool_size, PoolingOptions options)
    : Layer(pooling(
          Kind::average, 1, std::move(pool_size), std::move(options))) {}

AveragePooling2D::AveragePooling2D(Dims pool_size, PoolingOptions options)
    : Layer(pooling(
          Kind::average, 2, std::move(pool_size), std::move(options))) {}

AveragePooling3D::AveragePooling3D(Dims pool_size, PoolingOptions options)
    : Layer(pooling(
          Kind::average, 3, std::move(pool_size), std::move(options))) {}

GlobalMaxPooling1D::GlobalMaxPooling1D(GlobalPoolingOptions options)
    : Layer(global(Kind::max, 1, std::move(options))) {}

GlobalMaxPooling2D::GlobalMaxPooling2D(GlobalPoolingOptions options)
    : Layer(global(Kind::max, 2, std::move(options))) {}

GlobalMaxPooling3D::GlobalMaxPooling3D(GlobalPoolingOptions options)
    : Layer(global(Kind::max, 3, std::move(options))) {}

GlobalAveragePooling1D::GlobalAveragePooling1D(GlobalPoolingOptions options)
    : Layer(global(Kind::average, 1, std::move(options))) {}

GlobalAveragePooling2D::GlobalAveragePooling2D(GlobalPoolingOptions options)
    : Layer(global(Kind::average, 2, std::move(options))) {}

GlobalAveragePooling3D::GlobalAveragePooling3D(GlobalPoolingOptions options)
    : Layer(global(Kind::average, 3, std::move(options))) {}

}  // namespace keratin::layers
