#include <algorithm>
#include <map>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/layers/core.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

/// "...x,xy->...y" taken apart.
struct Equation {
  std::string input;
  std::string kernel;
  std::string output;
  bool left_elided = false;   // "..." stands first
  bool right_elided = false;  // "..." stands last
};

/// What an equation and an input shape make of the weights.
struct Plan {
  Shape kernel;
  Shape bias;
  std::vector<std::int64_t> input_axes;   // of the kernel, summed over
  std::vector<std::int64_t> output_axes;  // of the kernel, in y
};

bool is_letters(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

/// False when the equation has none of Keras's three forms.
bool parse_equation(const std::string& text, Equation& out) {
  const std::size_t comma = text.find(',');
  const std::size_t arrow = text.find("->");
  if (comma == std::string::npos || arrow == std::string::npos ||
      comma > arrow) {
    return false;
  }
  out.input = text.substr(0, comma);
  out.kernel = text.substr(comma + 1, arrow - comma - 1);
  out.output = text.substr(arrow + 2);
  const std::string dots = "...";
  if (out.input.starts_with(dots) && out.output.starts_with(dots)) {
    out.left_elided = true;
    out.input.erase(0, dots.size());
    out.output.erase(0, dots.size());
  } else if (out.input.ends_with(dots) && out.output.ends_with(dots)) {
    out.right_elided = true;
    out.input.erase(out.input.size() - dots.size());
    out.output.erase(out.output.size() - dots.size());
  }
  return is_letters(out.input) && is_letters(out.kernel) &&
         is_letters(out.output);
}

class EinsumDenseImpl final : public KerasLayer {
 public:
  EinsumDenseImpl() = default;

  EinsumDenseImpl(
      std::string equation,
      const Dims& output_shape,
      EinsumDenseOptions options)
      : KerasLayer(options),
        output_shape_(Config::array()),
        equation_(std::move(equation)),
        o_(std::move(options)),
        lora_(o_.lora_rank, o_.lora_alpha) {
    activity_regularizer_ = o_.activity_regularizer;
    for (const std::int64_t dim : output_shape.values()) {
      output_shape_.push_back(dim == kUnknown ? Config() : Config(dim));
    }
    settle();
  }

  std::string class_name() const override { return "EinsumDense"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("output_shape", output_shape_, {.required = true});
    visit("equation", equation_, {.required = true});
    visit("activation", o_.activation);
    visit("bias_axes", o_.bias_axes);
    visit("kernel_initializer", o_.kernel_initializer);
    visit("bias_initializer", o_.bias_initializer);
    visit("kernel_regularizer", o_.kernel_regularizer);
    visit("bias_regularizer", o_.bias_regularizer);
    visit("kernel_constraint", o_.kernel_constraint);
    visit("bias_constraint", o_.bias_constraint);
    lora_.fields(visit);
  }

  Config get_config() const override {
    Config config = KerasLayer::get_config();
    config["quantization_config"] = nullptr;
    lora_.write(config);
    return config;
  }

  const Lora* lora() const override { return &lora_; }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 1);
    const Plan plan = analyze(inputs[0]);
    kernel_ = add_weight(
        "kernel",
        plan.kernel,
        {.initializer = with_axes(o_.kernel_initializer, plan),
         .regularizer = o_.kernel_regularizer,
         .constraint = o_.kernel_constraint});
    if (o_.bias_axes) {
      bias_ = add_weight(
          "bias",
          plan.bias,
          {.initializer = o_.bias_initializer,
           .regularizer = o_.bias_regularizer,
           .constraint = o_.bias_constraint});
    }
    build_lora(lora_, kernel_, "lora_kernel", o_.kernel_regularizer);
  }

  Value call(CallContext& ctx, const Value& x) override {
    const Value kernel = lora_.apply(ctx, ctx.read(kernel_));
    Value y = ops::einsum(equation_, {x, kernel});
    if (bias_) y = y + ctx.read(bias_);
    return o_.activation(y);
  }

 protected:
  bool writes_activity_regularizer() const override { return true; }

  void settle() override {
    KerasLayer::settle();
    std::erase(equation_, ' ');
    if (!parse_equation(equation_, parsed_)) {
      fail(format(
          "expected an equation like \"ab,bc->ac\", \"...x,xy->...y\" or "
          "\"ab...,bc->ac...\", got \"{}\"",
          equation_));
    }
    if (output_shape_.is_int()) {
      output_shape_ = Config::array({output_shape_});
    }
    bool good = output_shape_.is_array() && output_shape_.size() > 0;
    for (std::size_t i = 0; good && i < output_shape_.size(); ++i) {
      const Config& dim = output_shape_.as_array()[i];
      good = dim.is_null() || (dim.is_int() && dim.as_int() > 0);
    }
    if (!good) {
      fail(format(
          "expected an output_shape of extents > 0 or unknown ones, got {}",
          output_shape_.dump()));
    }
    if (o_.bias_axes) {
      for (const char letter : *o_.bias_axes) {
        if (parsed_.output.find(letter) != std::string::npos) continue;
        fail(format(
            "expected bias_axes of letters of the output \"{}\", got \"{}\"",
            parsed_.output,
            *o_.bias_axes));
      }
      if (o_.bias_axes->empty()) {
        fail(
            "expected one or more letters as bias_axes, got none; leave it "
            "out for no bias");
      }
    }
    if (lora_ && o_.kernel_constraint) fail_lora_constraint();
  }

 private:
  /// The whole shape of y.
  std::vector<std::int64_t> output_dims(
      const Shape& input, std::size_t elided) const {
    std::vector<std::int64_t> dims = {input[0]};
    if (parsed_.left_elided) {
      for (std::size_t i = 1; i < elided; ++i) dims.push_back(input[i]);
    }
    for (const Config& dim : output_shape_.as_array()) {
      dims.push_back(dim.is_null() ? kUnknown : dim.as_int());
    }
    if (!parsed_.left_elided) {
      for (std::size_t i = input.rank() - elided; i < input.rank(); ++i) {
        dims.push_back(input[i]);
      }
    }
    return dims;
  }

  Plan analyze(const Shape& input) const {
    if (input.rank() < parsed_.input.size() ||
        (!parsed_.left_elided && !parsed_.right_elided &&
         input.rank() != parsed_.input.size())) {
      fail(format(
          "expected an input of rank {}{}, as \"{}\" says, got {}",
          parsed_.input.size(),
          parsed_.left_elided || parsed_.right_elided ? " or more" : "",
          equation_,
          input));
    }
    const std::size_t elided = input.rank() - parsed_.input.size();
    const std::vector<std::int64_t> out = output_dims(input, elided);
    const std::size_t shift = parsed_.left_elided ? elided : 0;
    if (out.size() != parsed_.output.size() + elided) {
      fail(format(
          "expected an output_shape of {} extents, as \"{}\" says, got {}",
          parsed_.output.size() - (shift > 0 ? 0 : 1),
          equation_,
          output_shape_.dump()));
    }
    std::map<char, std::int64_t> in_dims;
    std::map<char, std::int64_t> out_dims;
    for (std::size_t i = 0; i < parsed_.input.size(); ++i) {
      in_dims[parsed_.input[i]] = input[i + shift];
    }
    for (std::size_t i = 0; i < parsed_.output.size(); ++i) {
      out_dims[parsed_.output[i]] = out[i + shift];
    }
    for (const auto& [letter, dim] : in_dims) {
      const auto same = out_dims.find(letter);
      if (same == out_dims.end() || same->second == kUnknown ||
          same->second == dim) {
        continue;
      }
      fail(format(
          "input {} and output_shape {} differ at '{}' of \"{}\"",
          input,
          output_shape_.dump(),
          letter,
          equation_));
    }
    Plan plan;
    for (std::size_t i = 0; i < parsed_.kernel.size(); ++i) {
      const char letter = parsed_.kernel[i];
      const auto axis = static_cast<std::int64_t>(i);
      if (const auto y = out_dims.find(letter); y != out_dims.end()) {
        // An output extent left open is the input's.
        const auto x = in_dims.find(letter);
        plan.kernel.push_back(
            y->second == kUnknown && x != in_dims.end() ? x->second
                                                        : y->second);
        plan.output_axes.push_back(axis);
      } else if (const auto x = in_dims.find(letter); x != in_dims.end()) {
        plan.kernel.push_back(x->second);
        plan.input_axes.push_back(axis);
      } else {
        fail(format(
            "letter '{}' of the kernel is neither in the input nor in the "
            "output of \"{}\"",
            letter,
            equation_));
      }
    }
    if (o_.bias_axes) plan.bias = bias_shape(out_dims, elided);
    return plan;
  }

  Shape bias_shape(
      const std::map<char, std::int64_t>& out_dims, std::size_t elided) const {
    const std::string& axes = *o_.bias_axes;
    const std::size_t first = parsed_.output.find_first_of(axes);
    Shape shape;
    for (std::size_t i = first; i < parsed_.output.size(); ++i) {
      const char letter = parsed_.output[i];
      shape.push_back(
          axes.find(letter) == std::string::npos ? 1 : out_dims.at(letter));
    }
    if (!parsed_.left_elided) {
      for (std::size_t i = 0; i < elided; ++i) shape.push_back(1);
    }
    return shape;
  }

  /// Initializers that scale by fans are told which axes those are.
  static Initializer with_axes(
      const Initializer& initializer, const Plan& plan) {
    if (!initializer) return initializer;
    Config config;
    try {
      config = initializer.to_config();
    } catch (const InvalidArgument&) {
      return initializer;  // a function of the user's own
    }
    Config* fields = config.find("config");
    if (fields == nullptr || !fields->contains("input_axes")) {
      return initializer;
    }
    if (!fields->at("input_axes").is_null() &&
        !fields->at("output_axes").is_null()) {
      return initializer;
    }
    (*fields)["input_axes"] = Config::ints(plan.input_axes);
    (*fields)["output_axes"] = Config::ints(plan.output_axes);
    Initializer told;
    told.from_config(config, "kernel_initializer");
    return told;
  }

  Config output_shape_;
  std::string equation_;
  EinsumDenseOptions o_;
  Lora lora_;
  Equation parsed_;
  Variable kernel_;
  Variable bias_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_einsum_dense() {
  return std::make_shared<EinsumDenseImpl>();
}

EinsumDense::EinsumDense(
    std::string equation, Dims output_shape, EinsumDenseOptions options)
    : Layer(std::make_shared<EinsumDenseImpl>(
          std::move(equation), std::move(output_shape), std::move(options))) {}

}  // namespace keratin::layers
