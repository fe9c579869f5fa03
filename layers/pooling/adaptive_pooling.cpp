// AdaptiveAveragePooling1D to 3D and AdaptiveMaxPooling1D to 3D.

#include <utility>

#include <keratin/layers/pooling.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/spatial_layer.hpp"

namespace keratin::layers {

namespace {

enum class Kind { max, average };

class AdaptivePoolingImpl final : public SpatialLayer {
 public:
  AdaptivePoolingImpl(Kind kind, std::size_t rank)
      : SpatialLayer(rank), kind_(kind) {}

  AdaptivePoolingImpl(
      Kind kind,
      std::size_t rank,
      Dims output_size,
      const AdaptivePoolingOptions& options)
      : SpatialLayer(rank, options),
        kind_(kind),
        output_size_(std::move(output_size)) {
    settle();
  }

  std::string class_name() const override {
    return ranked(
        kind_ == Kind::max ? "AdaptiveMaxPooling" : "AdaptiveAveragePooling");
  }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("output_size", output_size_, {.required = true});
    visit_data_format(visit);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_spatial(inputs);
    const std::int64_t first = channels_first() ? 2 : 1;
    for (std::size_t i = 0; i < rank(); ++i) {
      known_dim(inputs[0], first + static_cast<std::int64_t>(i));
    }
  }

  Value call(CallContext& ctx, const Value& input) override {
    (void)ctx;
    Value x = to_last(input);
    // Windows are boxes: one axis after the other.
    for (std::size_t i = 0; i < rank(); ++i) {
      x = pool_axis(x, i, output_size_.values()[i]);
    }
    return from_last(x);
  }

 protected:
  void settle() override {
    settle_dims(output_size_, "output_size");
    KerasLayer::settle();
  }

 private:
  /// All windows of one extent along a spatial axis.
  Value windows(const Value& x, std::size_t axis, std::int64_t extent) const {
    ops::Ints size(rank(), 1);
    size[axis] = extent;
    return kind_ == Kind::max ? ops::max_pool(x, size, {})
                              : ops::average_pool(x, size, {});
  }

  /// The n windows over an axis have one of two extents, so they are picked out
  /// of all windows of both.
  Value pool_axis(const Value& x, std::size_t axis, std::int64_t n) const {
    const std::int64_t length = x.shape()[axis + 1];
    if (length == n) return x;
    const std::int64_t small = (length + n - 1) / n;
    const std::int64_t small_count = length - small + 1;
    std::vector<std::int32_t> picked;
    bool any_big = false;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t begin = i * length / n;
      const std::int64_t end = ((i + 1) * length + n - 1) / n;
      const bool big = end - begin > small;
      any_big = any_big || big;
      picked.push_back(
          static_cast<std::int32_t>(big ? small_count + begin : begin));
    }
    Value all = windows(x, axis, small);
    const auto at = static_cast<std::int64_t>(axis) + 1;
    if (any_big) {
      all = ops::concatenate({all, windows(x, axis, small + 1)}, at);
    }
    return ops::take(all, ops::constant(x.graph(), Tensor(picked)), at);
  }

  Kind kind_;
  Dims output_size_ = 1;
};

template <Kind kKind, std::size_t kRank>
std::shared_ptr<LayerImpl> make_adaptive() {
  return std::make_shared<AdaptivePoolingImpl>(kKind, kRank);
}

std::shared_ptr<LayerImpl> adaptive(
    Kind kind,
    std::size_t rank,
    Dims output_size,
    const AdaptivePoolingOptions& options) {
  return std::make_shared<AdaptivePoolingImpl>(
      kind, rank, std::move(output_size), options);
}

}  // namespace

std::shared_ptr<LayerImpl> make_adaptive_average_pooling1d() {
  return make_adaptive<Kind::average, 1>();
}

std::shared_ptr<LayerImpl> make_adaptive_average_pooling2d() {
  return make_adaptive<Kind::average, 2>();
}

std::shared_ptr<LayerImpl> make_adaptive_average_pooling3d() {
  return make_adaptive<Kind::average, 3>();
}

std::shared_ptr<LayerImpl> make_adaptive_max_pooling1d() {
  return make_adaptive<Kind::max, 1>();
}

std::shared_ptr<LayerImpl> make_adaptive_max_pooling2d() {
  return make_adaptive<Kind::max, 2>();
}

std::shared_ptr<LayerImpl> make_adaptive_max_pooling3d() {
  return make_adaptive<Kind::max, 3>();
}

AdaptiveAveragePooling1D::AdaptiveAveragePooling1D(
    Dims output_size, AdaptivePoolingOptions options)
    : Layer(adaptive(Kind::average, 1, std::move(output_size), options)) {}

AdaptiveAveragePooling2D::AdaptiveAveragePooling2D(
    Dims output_size, AdaptivePoolingOptions options)
    : Layer(adaptive(Kind::average, 2, std::move(output_size), options)) {}

AdaptiveAveragePooling3D::AdaptiveAveragePooling3D(
    Dims output_size, AdaptivePoolingOptions options)
    : Layer(adaptive(Kind::average, 3, std::move(output_size), options)) {}

AdaptiveMaxPooling1D::AdaptiveMaxPooling1D(
    Dims output_size, AdaptivePoolingOptions options)
    : Layer(adaptive(Kind::max, 1, std::move(output_size), options)) {}

AdaptiveMaxPooling2D::AdaptiveMaxPooling2D(
    Dims output_size, AdaptivePoolingOptions options)
    : Layer(adaptive(Kind::max, 2, std::move(output_size), options)) {}

AdaptiveMaxPooling3D::AdaptiveMaxPooling3D(
    Dims output_size, AdaptivePoolingOptions options)
    : Layer(adaptive(Kind::max, 3, std::move(output_size), options)) {}

}  // namespace keratin::layers
