#include "layers/support/keras_layer.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

/// Applies the choices and bounds of FieldSpec to the values as they stand.
class CheckVisitor final : public FieldVisitor {
 public:
  void visit(
      std::string_view name, FieldRef field, const FieldSpec& spec) override {
    std::visit([&](const auto* value) { check(name, *value, spec); }, field);
  }

  std::string problem;  // of the first bad field

 private:
  template <class T>
  void check(std::string_view name, const T& value, const FieldSpec& spec) {
    if (!problem.empty()) return;
    if constexpr (
        std::is_same_v<T, double> || std::is_same_v<T, std::int64_t>) {
      if (spec.minimum && !(static_cast<double>(value) >= *spec.minimum)) {
        problem =
            format("expected {} >= {}, got {}", name, *spec.minimum, value);
      } else if (
          spec.maximum && !(static_cast<double>(value) <= *spec.maximum)) {
        problem =
            format("expected {} <= {}, got {}", name, *spec.maximum, value);
      }
    } else if constexpr (
        std::is_same_v<T, std::optional<double>> ||
        std::is_same_v<T, std::optional<std::int64_t>>) {
      if (value) check(name, *value, spec);
    } else if constexpr (std::is_same_v<T, std::string>) {
      check_choice(name, value, spec);
    }
  }

  void check_choice(
      std::string_view name, const std::string& value, const FieldSpec& spec) {
    if (spec.choices.empty()) return;
    if (std::find(spec.choices.begin(), spec.choices.end(), value) !=
        spec.choices.end()) {
      return;
    }
    std::string list;
    for (const std::string_view choice : spec.choices) {
      list += format("{}\"{}\"", list.empty() ? "" : ", ", choice);
    }
    problem =
        format("expected {} to be one of {}, got \"{}\"", name, list, value);
  }
};

/// Arguments of newer Keras versions that only matter when they are given.
/// Layers that have them list them among their fields.
constexpr std::array<std::string_view, 4> kUnsupported = {
    "quantization_config",
    "lora_rank",
    "lora_alpha",
    "gptq_unpacked_column_size"};

/// Whether the fields include one.
class FindVisitor final : public FieldVisitor {
 public:
  explicit FindVisitor(std::string_view name) : name_(name) {}

  void visit(
      std::string_view name, FieldRef field, const FieldSpec& spec) override {
    (void)field;
    (void)spec;
    found = found || name == name_;
  }

  bool found = false;

 private:
  std::string_view name_;
};

}  // namespace

void KerasLayer::fields(FieldVisitor& visit) {
  LayerImpl::fields(visit);
  visit("activity_regularizer", activity_regularizer_);
}

Config KerasLayer::get_config() const {
  Config config = LayerImpl::get_config();
  if (!activity_regularizer_ && !writes_activity_regularizer()) {
    config.erase("activity_regularizer");
  }
  return config;
}

namespace {

/// The policies of what Model.quantize leaves have a mode; "int8".
void refuse_quantized(const Config& config, const std::string& where) {
  const Config* dtype = config.find("dtype");
  const Config* policy = dtype == nullptr ? nullptr : dtype->find("config");
  const Config* mode = policy == nullptr ? nullptr : policy->find("mode");
  if (mode == nullptr || !mode->is_string()) return;
  throw InvalidArgument(format(
      "[{}.dtype] expected a layer whose weights are plain numbers, got one "
      "that is quantized, mode \"{}\"; save the model before Model.quantize",
      where,
      mode->as_string()));
}

}  // namespace

void KerasLayer::from_config(const Config& config, const std::string& where) {
  refuse_quantized(config, where);
  Config known = config;
  for (const std::string_view key : kUnsupported) {
    const Config* value = config.find(key);
    if (value == nullptr) continue;
    FindVisitor own(key);
    fields(own);
    if (own.found) continue;
    if (!value->is_null()) {
      throw InvalidArgument(format(
          "[{}.{}] expected null, got {}: this layer takes no low-rank or "
          "quantized form; save the model without it",
          where,
          key,
          value->kind()));
    }
    known.erase(key);
  }
  LayerImpl::from_config(known, where);
  try {
    settle();
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format("[{}] {}", where, error.what()));
  }
}

void KerasLayer::settle() {
  CheckVisitor check;
  fields(check);
  if (!check.problem.empty()) fail(check.problem);
}

void KerasLayer::build_lora(
    Lora& lora,
    const Variable& weight,
    const std::string& stem,
    const Regularizer& regularizer) {
  lora.build(
      weight,
      stem,
      regularizer,
      [this](
          const std::string& name,
          const Shape& shape,
          const WeightOptions& options) {
        return add_weight(name, shape, options);
      });
}

void KerasLayer::fail_lora_constraint() const {
  fail(
      "expected no constraint on a weight with lora_rank; leave one of them "
      "out");
}

std::vector<Variable> KerasLayer::file_weights() const {
  std::vector<Variable> weights = own_weights();
  if (const Lora* adapted = lora()) {
    std::erase_if(weights, [&](const Variable& variable) {
      return adapted->is_matrix(variable);
    });
  }
  return weights;
}

Tensor KerasLayer::file_value(const Variable& variable) const {
  const Lora* adapted = lora();
  return adapted != nullptr && adapted->is_weight(variable) ? adapted->merged()
                                                            : variable.value();
}

void KerasLayer::after_load() const {
  if (const Lora* adapted = lora()) adapted->clear();
}

void KerasLayer::expect_min_rank(
    const std::vector<Shape>& inputs, std::size_t minimum) const {
  if (inputs.size() != 1 && !(takes_mask() && inputs.size() == 2)) {
    fail(format("expected one input tensor, got {}", inputs.size()));
  }
  if (inputs[0].rank() >= minimum) return;
  fail(format(
      "expected input rank >= {}, got {}{}",
      minimum,
      inputs[0],
      inputs[0].rank() + 1 == minimum ? "; add a batch axis" : ""));
}

void KerasLayer::expect_rank(
    const std::vector<Shape>& inputs, std::size_t rank) const {
  expect_min_rank(inputs, rank);
  if (inputs[0].rank() == rank) return;
  fail(format("expected an input of rank {}, got {}", rank, inputs[0]));
}

std::int64_t KerasLayer::known_dim(
    const Shape& input, std::int64_t axis) const {
  const std::int64_t dim = input[axis_of(input, axis)];
  if (dim == kUnknown) {
    fail(format(
        "expected a known extent of axis {}, got {}; give it in Input",
        axis,
        input));
  }
  return dim;
}

void KerasLayer::expect_dim(
    const Value& x, std::int64_t axis, std::int64_t expected) const {
  const std::int64_t got = x.shape()[axis_of(x.shape(), axis)];
  if (got == expected) return;
  fail(format(
      "expected extent {} of axis {}, for which it was built, got {}{} with "
      "{}",
      expected,
      axis,
      x.dtype(),
      x.shape(),
      got));
}

std::size_t KerasLayer::axis_of(const Shape& shape, std::int64_t axis) const {
  const auto rank = static_cast<std::int64_t>(shape.rank());
  if (axis < -rank || axis >= rank) {
    fail(format("expected an axis of {}, got {}", shape, axis));
  }
  return static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
}

Value KerasLayer::call_mask(CallContext& ctx, const CallInputs& inputs) {
  const Argument<Value>* mask = inputs.find("mask");
  // As in Keras, mask=None is no argument.
  if (mask != nullptr && !mask->tensors.empty()) return mask->tensors[0];
  return ctx.mask(inputs.inputs()[0]);
}

std::vector<std::int64_t> sorted_axes(
    const Shape& shape,
    const std::vector<std::int64_t>& axes,
    const std::string& who) {
  const auto rank = static_cast<std::int64_t>(shape.rank());
  std::vector<std::int64_t> out;
  for (const std::int64_t axis : axes) {
    if (axis < -rank || axis >= rank) {
      throw InvalidArgument(
          format("{} expected axes of {}, got {}", who, shape, axis));
    }
    out.push_back(axis < 0 ? axis + rank : axis);
  }
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end()) {
    throw InvalidArgument(format(
        "{} expected different axes, got {}", who, Config::ints(axes).dump()));
  }
  return out;
}

Config shape_config(const Shape& shape) {
  Config out = Config::array();
  for (const std::int64_t dim : shape) {
    out.push_back(dim == kUnknown ? Config() : Config(dim));
  }
  return out;
}

DType wide_dtype(DType dtype) {
  return dtype == DType::f16 || dtype == DType::bf16 ? DType::f32 : dtype;
}

Value axis_to_last(const Value& x, std::size_t axis) {
  if (axis + 1 == x.rank()) return x;
  ops::Axes permutation;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (i != axis) permutation.push_back(static_cast<std::int64_t>(i));
  }
  permutation.push_back(static_cast<std::int64_t>(axis));
  return ops::transpose(x, permutation);
}

Value axis_from_last(const Value& x, std::size_t axis) {
  if (axis + 1 == x.rank()) return x;
  const auto last = static_cast<std::int64_t>(x.rank()) - 1;
  ops::Axes permutation;
  for (std::int64_t i = 0; i < last; ++i) permutation.push_back(i);
  permutation.insert(
      permutation.begin() + static_cast<std::ptrdiff_t>(axis), last);
  return ops::transpose(x, permutation);
}

Value channels_to_last(const Value& x) {
  return axis_to_last(x, 1);
}

Value channels_to_first(const Value& x) {
  return axis_from_last(x, 1);
}

namespace {

void collect(
    const Config& config,
    std::size_t depth,
    std::vector<std::int64_t>& dims,
    std::vector<double>& values,
    const std::string& where) {
  if (!config.is_array()) {
    if (depth != dims.size()) {
      throw InvalidArgument(format(
          "[{}] expected lists of one length, got {}", where, config.kind()));
    }
    values.push_back(config.as_number());
    return;
  }
  const auto length = static_cast<std::int64_t>(config.size());
  if (depth == dims.size() && values.empty()) {
    dims.push_back(length);
  } else if (depth >= dims.size() || dims[depth] != length) {
    throw InvalidArgument(
        format("[{}] expected lists of one length, got {}", where, length));
  }
  for (const Config& item : config.as_array()) {
    collect(item, depth + 1, dims, values, where);
  }
}

Config nested_lists(
    const Tensor& tensor, std::size_t axis, std::int64_t& flat) {
  if (axis == tensor.rank()) return Config(tensor.at(flat++));
  Config::Array items;
  for (std::int64_t i = 0; i < tensor.shape()[axis]; ++i) {
    items.push_back(nested_lists(tensor, axis + 1, flat));
  }
  return Config(std::move(items));
}

}  // namespace

Tensor tensor_from_config(const Config& config, const std::string& where) {
  if (config.is_object()) {
    const Config* fields = config.find("config");
    const Config* value = fields == nullptr ? nullptr : fields->find("value");
    if (value == nullptr) {
      throw InvalidArgument(format(
          "[{}] expected a number or lists of numbers, got an object", where));
    }
    return tensor_from_config(*value, where);
  }
  std::vector<std::int64_t> dims;
  std::vector<double> values;
  collect(config, 0, dims, values, where);
  return Tensor(values, Shape(std::move(dims)));
}

Config tensor_to_config(const Tensor& tensor) {
  std::int64_t flat = 0;
  return nested_lists(tensor, 0, flat);
}

}  // namespace keratin::layers
