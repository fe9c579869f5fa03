// LocallyConnected1D and LocallyConnected2D.

#include <algorithm>
#include <utility>

#include <keratin/layers/legacy.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/spatial_layer.hpp"

namespace keratin::layers {

namespace {

using Ints = std::vector<std::int64_t>;

std::int64_t product(const Ints& dims) {
  std::int64_t out = 1;
  for (const std::int64_t dim : dims) out *= dim;
  return out;
}

/// Which spatial elements each output position sees, flat and ascending.
struct Connections {
  Ints in;   // spatial extents
  Ints out;  // spatial extents
  std::vector<Ints> seen;
};

Connections connect(
    const Ints& in, const Ints& kernel, const Ints& strides, bool same) {
  Connections all;
  all.in = in;
  const std::size_t rank = in.size();
  for (std::size_t d = 0; d < rank; ++d) {
    const std::int64_t covered = same ? in[d] : in[d] - kernel[d] + 1;
    all.out.push_back((covered + strides[d] - 1) / strides[d]);
  }
  const std::int64_t positions = product(all.out);
  for (std::int64_t flat = 0; flat < positions; ++flat) {
    Ints begin(rank);
    Ints end(rank);
    std::int64_t rest = flat;
    for (std::size_t d = rank; d-- > 0;) {
      const std::int64_t left = kernel[d] / 2;
      const std::int64_t center =
          rest % all.out[d] * strides[d] + (same ? 0 : left);
      rest /= all.out[d];
      begin[d] = std::max<std::int64_t>(0, center - left);
      end[d] = std::min(in[d], center + kernel[d] - left);
    }
    Ints seen = {0};
    for (std::size_t d = 0; d < rank; ++d) {
      Ints longer;
      for (const std::int64_t prefix : seen) {
        for (std::int64_t i = begin[d]; i < end[d]; ++i) {
          longer.push_back(prefix * in[d] + i);
        }
      }
      seen = std::move(longer);
    }
    all.seen.push_back(std::move(seen));
  }
  return all;
}

class LocallyConnectedImpl final : public SpatialLayer {
 public:
  explicit LocallyConnectedImpl(std::size_t rank) : SpatialLayer(rank) {}

  LocallyConnectedImpl(
      std::size_t rank,
      std::int64_t filters,
      Dims kernel_size,
      LocallyConnectedOptions options)
      : SpatialLayer(rank, options),
        filters_(filters),
        kernel_size_(std::move(kernel_size)),
        o_(std::move(options)) {
    activity_regularizer_ = o_.activity_regularizer;
    settle();
  }

  std::string class_name() const override { return ranked("LocallyConnected"); }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("filters", filters_, {.required = true, .minimum = 1});
    visit("kernel_size", kernel_size_, {.required = true});
    visit("strides", o_.strides);
    visit("padding", o_.padding, {.choices = {"valid", "same"}});
    visit_data_format(visit);
    visit("activation", o_.activation);
    visit("use_bias", o_.use_bias);
    visit("kernel_initializer", o_.kernel_initializer);
    visit("bias_initializer", o_.bias_initializer);
    visit("kernel_regularizer", o_.kernel_regularizer);
    visit("bias_regularizer", o_.bias_regularizer);
    visit("kernel_constraint", o_.kernel_constraint);
    visit("bias_constraint", o_.bias_constraint);
    visit("implementation", o_.implementation, {.minimum = 1, .maximum = 3});
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_spatial(inputs);
    channels_ = channels_of(inputs[0]);
    Ints in;
    for (std::size_t d = 0; d < rank(); ++d) {
      in.push_back(known_dim(
          inputs[0],
          static_cast<std::int64_t>(d) + (channels_first() ? 2 : 1)));
    }
    links_ = connect(
        in, kernel_size_.values(), o_.strides.values(), o_.padding == "same");
    if (*std::min_element(links_.out.begin(), links_.out.end()) < 1) {
      fail(format(
          "expected an input of at least the kernel's size, got {}",
          inputs[0]));
    }
    kernel_ = add_weight(
        "kernel",
        kernel_shape(),
        {.initializer = o_.kernel_initializer,
         .regularizer = o_.kernel_regularizer,
         .constraint = o_.kernel_constraint});
    if (!o_.use_bias) return;
    Shape shape(links_.out);
    shape.push_back(filters_);
    bias_ = add_weight(
        "bias",
        shape,
        {.initializer = o_.bias_initializer,
         .regularizer = o_.bias_regularizer,
         .constraint = o_.bias_constraint});
  }

  Value call(CallContext& ctx, const Value& x) override {
    const Value kernel = ctx.read(kernel_);
    Value y = o_.implementation == 1 ? by_patches(x, kernel)
                                     : by_matrix(ctx, x, kernel);
    if (bias_) {
      // Keras reshapes, so that with channels first the elements are taken in
      // another order than they have in the weight.
      const Shape one(Ints(y.shape().begin() + 1, y.shape().end()));
      y = y + ops::reshape(ctx.read(bias_), one);
    }
    return o_.activation(y);
  }

 protected:
  bool writes_activity_regularizer() const override { return true; }

  void settle() override {
    settle_dims(kernel_size_, "kernel_size");
    settle_dims(o_.strides, "strides");
    KerasLayer::settle();
    if (o_.implementation == 1 && o_.padding != "valid") {
      fail(format(
          "expected padding \"valid\" with implementation 1, got \"{}\"; use "
          "implementation 2 or 3",
          o_.padding));
    }
  }

 private:
  std::int64_t positions() const { return product(links_.out); }

  std::int64_t elements() const { return product(links_.in); }

  Shape kernel_shape() const {
    if (o_.implementation == 1) {
      return {
          positions(), product(kernel_size_.values()) * channels_, filters_};
    }
    if (o_.implementation == 3) {
      std::int64_t count = 0;
      for (const Ints& seen : links_.seen) {
        count += static_cast<std::int64_t>(seen.size());
      }
      return {count * channels_ * filters_};
    }
    Shape shape;
    const auto add = [&](const Ints& spatial, std::int64_t channels) {
      if (channels_first()) shape.push_back(channels);
      for (const std::int64_t dim : spatial) shape.push_back(dim);
      if (!channels_first()) shape.push_back(channels);
    };
    add(links_.in, channels_);
    add(links_.out, filters_);
    return shape;
  }

  /// [batch, positions, filters] or [batch, filters, positions] unflattened.
  Shape output_shape(std::int64_t batch) const {
    Shape shape = {batch};
    if (channels_first()) shape.push_back(filters_);
    for (const std::int64_t dim : links_.out) shape.push_back(dim);
    if (!channels_first()) shape.push_back(filters_);
    return shape;
  }

  Value by_patches(const Value& x, const Value& kernel) const {
    std::vector<std::int32_t> indices;
    for (const Ints& seen : links_.seen) {
      for (const std::int64_t i : seen) {
        indices.push_back(static_cast<std::int32_t>(i));
      }
    }
    const std::int64_t size = product(kernel_size_.values());
    const Value at =
        ops::constant(x.graph(), Tensor(indices, Shape{positions(), size}));
    const std::int64_t batch = x.shape()[0];
    Value patches;
    if (channels_first()) {
      const Value flat = ops::reshape(x, {batch, channels_, elements()});
      patches = ops::transpose(ops::take(flat, at, 2), {0, 2, 1, 3});
    } else {
      const Value flat = ops::reshape(x, {batch, elements(), channels_});
      patches = ops::take(flat, at, 1);
    }
    patches = ops::reshape(patches, {batch, positions(), size * channels_});
    Value y = ops::einsum("npk,pkf->npf", {patches, kernel});
    if (channels_first()) y = ops::transpose(y, {0, 2, 1});
    return ops::reshape(y, output_shape(batch));
  }

  Value by_matrix(CallContext& ctx, const Value& x, const Value& kernel) const {
    const std::int64_t batch = x.shape()[0];
    const std::int64_t in = elements() * channels_;
    const std::int64_t out = positions() * filters_;
    const Value matrix = o_.implementation == 2
                             ? ops::reshape(masked(ctx, kernel), {in, out})
                             : scattered(ctx, kernel);
    return ops::reshape(
        ops::matmul(ops::reshape(x, {batch, in}), matrix), output_shape(batch));
  }

  /// The kernel of implementation 2 without what is not connected.
  Value masked(CallContext& ctx, const Value& kernel) const {
    Tensor seen(DType::boolean, {elements(), positions()});
    auto flags = seen.mutable_data<bool>();
    for (std::int64_t o = 0; o < positions(); ++o) {
      for (const std::int64_t i : links_.seen[static_cast<std::size_t>(o)]) {
        flags[static_cast<std::size_t>(i * positions() + o)] = true;
      }
    }
    const bool first = channels_first();
    const Value mask = ops::reshape(
        ops::constant(ctx.graph(), seen),
        first ? Shape{1, elements(), 1, positions()}
              : Shape{elements(), 1, positions(), 1});
    const Value four = ops::reshape(
        kernel,
        first ? Shape{channels_, elements(), filters_, positions()}
              : Shape{elements(), channels_, positions(), filters_});
    return ops::where(mask, four, ops::zeros_like(four));
  }

  /// The kernel of implementation 3 as a matrix [in, out].
  Value scattered(CallContext& ctx, const Value& kernel) const {
    const bool first = channels_first();
    const auto flat = [&](std::int64_t at,
                          std::int64_t channel,
                          std::int64_t extent,
                          std::int64_t channels) {
      return first ? channel * extent + at : at * channels + channel;
    };
    std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
    for (std::int64_t o = 0; o < positions(); ++o) {
      for (const std::int64_t i : links_.seen[static_cast<std::size_t>(o)]) {
        for (std::int64_t c = 0; c < channels_; ++c) {
          for (std::int64_t f = 0; f < filters_; ++f) {
            pairs.emplace_back(
                flat(o, f, positions(), filters_),
                flat(i, c, elements(), channels_));
          }
        }
      }
    }
    std::sort(pairs.begin(), pairs.end());
    const std::int64_t out = positions() * filters_;
    const std::int64_t in = elements() * channels_;
    std::vector<std::int32_t> indices;
    indices.reserve(pairs.size());
    for (const auto& [to, from] : pairs) {
      indices.push_back(static_cast<std::int32_t>(from * out + to));
    }
    return ops::reshape(
        ops::scatter_add(
            ops::constant(ctx.graph(), Tensor(indices)), kernel, {in * out}),
        {in, out});
  }

  std::int64_t filters_ = 0;
  Dims kernel_size_ = 1;
  LocallyConnectedOptions o_;
  std::int64_t channels_ = 0;
  Connections links_;
  Variable kernel_;
  Variable bias_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_locally_connected1d() {
  return std::make_shared<LocallyConnectedImpl>(1);
}

std::shared_ptr<LayerImpl> make_locally_connected2d() {
  return std::make_shared<LocallyConnectedImpl>(2);
}

LocallyConnected1D::LocallyConnected1D(
    std::int64_t filters, Dims kernel_size, LocallyConnectedOptions options)
    : Layer(std::make_shared<LocallyConnectedImpl>(
          1, filters, std::move(kernel_size), std::move(options))) {}

LocallyConnected2D::LocallyConnected2D(
    std::int64_t filters, Dims kernel_size, LocallyConnectedOptions options)
    : Layer(std::make_shared<LocallyConnectedImpl>(
          2, filters, std::move(kernel_size), std::move(options))) {}

}  // namespace keratin::layers
