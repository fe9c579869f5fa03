#include <utility>

#include "layers/recurrent/recurrent_layer.hpp"
#include "layers/support/factories.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

/// Arguments of ConvLSTM in the form that configs hold.
struct ConvLSTMArguments {
  std::size_t rank = 2;
  std::int64_t filters = 0;
  Dims kernel_size = 1;
  std::string data_format = "channels_last";
  ConvLSTMOptions options;

  bool channels_first() const { return data_format == "channels_first"; }
};

/// Keras writes no ConvLSTMCell: it only lives inside the layer.
class ConvLSTMCellImpl final : public KerasCell {
 public:
  ConvLSTMCellImpl(
      const ConvLSTMArguments& arguments, const StackedRNNCellsOptions& base)
      : KerasCell(base), args_(arguments) {}

  std::string class_name() const override { return "ConvLSTMCell"; }

  void build(const std::vector<Shape>& inputs) override {
    const Shape& x = inputs[0];
    const bool first = args_.channels_first();
    channels_ = known_dim(x, first ? 1 : -1);
    x_shape_ = x;
    spatial_.clear();
    for (std::size_t i = 0; i < args_.rank; ++i) {
      spatial_.push_back(
          known_dim(x, static_cast<std::int64_t>(i + (first ? 2 : 1))));
    }
    const ConvLSTMOptions& options = args_.options;
    const std::int64_t width = 4 * args_.filters;
    weights_.kernel = add_weight(
        "kernel", kernel_shape(channels_, width), kernel_options(options));
    weights_.recurrent = add_weight(
        "recurrent_kernel",
        kernel_shape(args_.filters, width),
        recurrent_options(options));
    if (options.use_bias) {
      WeightOptions bias = bias_options(options);
      if (options.unit_forget_bias) {
        bias.initializer = forget_bias(bias.initializer);
      }
      weights_.bias = add_weight("bias", {width}, bias);
    }
    if (options.dropout > 0 || options.recurrent_dropout > 0) {
      seed_ = add_seed_generator(options.seed);
    }
  }

  std::vector<Shape> state_shapes() const override {
    const ops::Window window = input_window();
    Shape shape;
    if (args_.channels_first()) shape.push_back(args_.filters);
    for (std::size_t i = 0; i < args_.rank; ++i) {
      const std::int64_t reach =
          (args_.kernel_size.values()[i] - 1) * window.dilation[i] + 1;
      shape.push_back(
          (spatial_[i] + window.pad_low[i] + window.pad_high[i] - reach) /
              window.strides[i] +
          1);
    }
    if (!args_.channels_first()) shape.push_back(args_.filters);
    return {shape, shape};
  }

  std::optional<std::size_t> output_state() const override { return 0; }

  CellRun start(CallContext& ctx, std::int64_t batch) override {
    const ConvLSTMOptions& options = args_.options;
    // As in Keras, a rate of 1 drops nothing.
    const auto rate = [](double given) { return given < 1 ? given : 0; };
    Shape x_shape = x_shape_;
    x_shape[0] = batch;
    Shape state = {batch};
    const std::vector<Shape> shapes = state_shapes();
    for (const std::int64_t dim : shapes[0]) state.push_back(dim);
    const auto dropped =
        dropout_masks(ctx, seed_, x_shape, rate(options.dropout), 4);
    const auto recurrent_dropped =
        dropout_masks(ctx, seed_, state, rate(options.recurrent_dropout), 4);
    const Value kernel = ctx.read(weights_.kernel);
    const Value recurrent = ctx.read(weights_.recurrent);
    const Value bias = weights_.bias ? ctx.read(weights_.bias) : Value();
    const ops::Window window = input_window();
    const ops::Window same = ops::make_window(
        "same",
        spatial_of(state),
        args_.kernel_size.values(),
        ops::Ints(args_.rank, 1),
        ops::Ints(args_.rank, 1));
    const std::size_t rank = args_.rank;
    const bool first = args_.channels_first();
    const auto project = [=](const Value& x) {
      return convolved(x, kernel, bias, window, dropped, rank, first);
    };
    const auto step = [=, this](
                          const Value& x, const std::vector<Value>& states) {
      const Value z = x + convolved(
                              states[0],
                              recurrent,
                              Value(),
                              same,
                              recurrent_dropped,
                              rank,
                              first);
      const auto part = [&](std::int64_t index) {
        return ops::slice_axis(
            z,
            first ? 1 : -1,
            index * args_.filters,
            (index + 1) * args_.filters);
      };
      const keratin::Activation& squash = args_.options.recurrent_activation;
      const keratin::Activation& activate = args_.options.activation;
      const Value i = squash(part(0));
      const Value f = squash(part(1));
      const Value c = f * states[1] + i * activate(part(2));
      const Value o = squash(part(3));
      const Value h = o * activate(c);
      return std::vector<Value>{h, h, c};
    };
    return {project, step};
  }

 private:
  Shape kernel_shape(std::int64_t in, std::int64_t out) const {
    Shape shape(args_.kernel_size.values());
    shape.push_back(in);
    shape.push_back(out);
    return shape;
  }

  ops::Ints spatial_of(const Shape& shape) const {
    const auto begin = shape.begin() + (args_.channels_first() ? 2 : 1);
    return {begin, begin + static_cast<std::ptrdiff_t>(args_.rank)};
  }

  ops::Window input_window() const {
    const ConvLSTMOptions& options = args_.options;
    ops::Window window = ops::make_window(
        options.padding,
        spatial_,
        args_.kernel_size.values(),
        options.strides.values(),
        options.dilation_rate.values());
    const ops::Ints ones(args_.rank, 1);
    const ops::Ints zeros(args_.rank, 0);
    if (window.strides.empty()) window.strides = ones;
    if (window.dilation.empty()) window.dilation = ones;
    if (window.pad_low.empty()) window.pad_low = zeros;
    if (window.pad_high.empty()) window.pad_high = zeros;
    return window;
  }

  /// A convolution of x, of one step or of all, plus bias. With masks, one per
  /// gate, each gate's convolution is of its own choice of x.
  static Value convolved(
      const Value& x,
      const Value& kernel,
      const Value& bias,
      const ops::Window& window,
      const std::vector<Value>& masks,
      std::size_t rank,
      bool first) {
    // [steps, batch, ...] -> [steps * batch, ...]
    const auto joined = [&](const Value& value) {
      Value flat = value;
      if (value.rank() == rank + 3) {
        Shape shape = {value.shape()[0] * value.shape()[1]};
        for (std::size_t i = 2; i < value.rank(); ++i) {
          shape.push_back(value.shape()[i]);
        }
        flat = ops::reshape(value, shape);
      }
      return first ? channels_to_last(flat) : flat;
    };
    Value y;
    if (masks.empty()) {
      y = ops::conv(joined(x), kernel, window);
    } else {
      std::vector<Value> gates;
      for (std::size_t i = 0; i < masks.size(); ++i) {
        gates.push_back(ops::conv(
            joined(x * masks[i]), gate(kernel, i, masks.size()), window));
      }
      y = ops::concatenate(gates);
    }
    if (bias) y = y + bias;
    if (first) y = channels_to_first(y);
    if (x.rank() != rank + 3) return y;
    Shape shape = {x.shape()[0], x.shape()[1]};
    for (std::size_t i = 1; i < y.rank(); ++i) shape.push_back(y.shape()[i]);
    return ops::reshape(y, shape);
  }

  ConvLSTMArguments args_;
  std::int64_t channels_ = 0;
  Shape x_shape_;
  ops::Ints spatial_;
  CellWeights weights_;
  Variable seed_;
};

class ConvLSTMImpl final : public RecurrentImpl {
 public:
  explicit ConvLSTMImpl(std::size_t rank) { args_.rank = rank; }

  ConvLSTMImpl(
      std::size_t rank,
      std::int64_t filters,
      Dims kernel_size,
      const ConvLSTMOptions& options)
      : RecurrentImpl(options) {
    args_.rank = rank;
    args_.filters = filters;
    args_.kernel_size = std::move(kernel_size);
    args_.options = options;
    args_.data_format = options.data_format.value_or("channels_last");
    settle();
  }

  std::string class_name() const override {
    return format("ConvLSTM{}D", args_.rank);
  }

  void fields(FieldVisitor& visit) override {
    ConvLSTMOptions& options = args_.options;
    LayerImpl::fields(visit);
    visit_loop(visit);
    visit("filters", args_.filters, {.required = true, .minimum = 1});
    visit("kernel_size", args_.kernel_size, {.required = true});
    visit("strides", options.strides);
    visit("padding", options.padding, {.choices = {"valid", "same"}});
    visit(
        "data_format",
        args_.data_format,
        {.choices = {"channels_last", "channels_first"}});
    visit("dilation_rate", options.dilation_rate);
    visit("activation", options.activation);
    visit("recurrent_activation", options.recurrent_activation);
    visit_weights(visit, options);
    visit("unit_forget_bias", options.unit_forget_bias);
    visit_penalties(visit, options);
    visit("activity_regularizer", activity_regularizer_);
    visit_constraints(visit, options);
    visit("seed", options.seed);
  }

 protected:
  bool writes_activity_regularizer() const override { return true; }

  std::size_t sequence_rank() const override { return args_.rank + 3; }

  void settle() override {
    KerasLayer::settle();
    const auto resolve = [this](Dims& dims, const char* what) {
      dims = Dims(dims.resolve(args_.rank, who(), what));
    };
    ConvLSTMOptions& options = args_.options;
    resolve(args_.kernel_size, "kernel_size");
    resolve(options.strides, "strides");
    resolve(options.dilation_rate, "dilation_rate");
    const auto above_one = [](const Dims& dims) {
      for (const std::int64_t value : dims.values()) {
        if (value > 1) return true;
      }
      return false;
    };
    if (above_one(options.strides) && above_one(options.dilation_rate)) {
      fail("expected strides of 1 together with a dilation_rate above 1");
    }
    set_cell(make_layer<ConvLSTMCellImpl>(
        args_,
        StackedRNNCellsOptions{
            .name = "conv_lstm_cell",
            .dtype = dtype_policy(),
            .trainable = trainable()}));
  }

 private:
  ConvLSTMArguments args_;
};

Layer make_conv_lstm(
    std::size_t rank,
    std::int64_t filters,
    Dims kernel_size,
    const ConvLSTMOptions& options) {
  return make_layer<ConvLSTMImpl>(
      rank, filters, std::move(kernel_size), options);
}

}  // namespace

std::shared_ptr<LayerImpl> make_conv_lstm1d() {
  return std::make_shared<ConvLSTMImpl>(1);
}

std::shared_ptr<LayerImpl> make_conv_lstm2d() {
  return std::make_shared<ConvLSTMImpl>(2);
}

std::shared_ptr<LayerImpl> make_conv_lstm3d() {
  return std::make_shared<ConvLSTMImpl>(3);
}

ConvLSTM1D::ConvLSTM1D(
    std::int64_t filters, Dims kernel_size, ConvLSTMOptions options)
    : RecurrentLayer(make_conv_lstm(1, filters, std::move(kernel_size), options)
                         .impl_ptr()) {}

ConvLSTM2D::ConvLSTM2D(
    std::int64_t filters, Dims kernel_size, ConvLSTMOptions options)
    : RecurrentLayer(make_conv_lstm(2, filters, std::move(kernel_size), options)
                         .impl_ptr()) {}

ConvLSTM3D::ConvLSTM3D(
    std::int64_t filters, Dims kernel_size, ConvLSTMOptions options)
    : RecurrentLayer(make_conv_lstm(3, filters, std::move(kernel_size), options)
                         .impl_ptr()) {}

}  // namespace keratin::layers
