#include "layers/base/operation.hpp"

#include <utility>

#include <keratin/error.hpp>

#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

OperationImpl::OperationImpl(const Operation& operation, const Config& config)
    : operation_(operation),
      arguments_(complete_arguments(operation, config, operation.name)) {}

std::string OperationImpl::module() const {
  return std::string("keras.src.ops.") + operation_.module;
}

Config OperationImpl::get_config() const {
  Config config = Config::object({{"name", name()}});
  for (const auto& [key, value] : arguments_.as_object()) config[key] = value;
  return config;
}

void OperationImpl::from_config(
    const Config& config, const std::string& where) {
  Config arguments = config;
  arguments.erase("name");
  arguments_ = complete_arguments(operation_, arguments, where);
  if (const Config name = config.get("name"); !name.is_null()) {
    set_name(name.as_string());
  }
}

std::vector<Value> OperationImpl::call_many(
    CallContext& ctx, const CallInputs& inputs) {
  return operation_.build({who(), ctx.graph(), inputs, arguments_});
}

bool is_operation(const Config& serialized) {
  const Config* module = serialized.find("module");
  return module != nullptr && module->is_string() &&
         module->as_string().starts_with("keras.src.ops.");
}

std::shared_ptr<LayerImpl> make_operation(
    const std::string& class_name, const std::string& where) {
  const Operation* operation = find_operation(class_name);
  if (operation == nullptr) {
    throw InvalidArgument(format(
        "[{}] no operation is called '{}'{}",
        where,
        class_name,
        did_you_mean(class_name, operation_names())));
  }
  return std::make_shared<OperationImpl>(*operation, Config::object());
}

namespace ops::detail {

std::vector<SymbolicTensor> apply(
    const char* operation,
    const Arguments<SymbolicTensor>& arguments,
    const Config& config) {
  const Operation* known = find_operation(operation);
  KERATIN_CHECK(known != nullptr, "the operation {} is known", operation);
  return Layer(std::make_shared<OperationImpl>(*known, config)).call(arguments);
}

namespace {

Config element(const Tensor& value, std::int64_t flat) {
  const double number = value.at(flat);
  if (value.dtype() == DType::boolean) return number != 0;
  if (is_floating(value.dtype())) return number;
  return static_cast<std::int64_t>(number);
}

Config nested(const Tensor& value, std::size_t axis, std::int64_t& flat) {
  if (axis == value.rank()) return element(value, flat++);
  Config::Array items;
  for (std::int64_t i = 0; i < value.shape()[axis]; ++i) {
    items.push_back(nested(value, axis + 1, flat));
  }
  return items;
}

Config slice_config(Config start, Config stop, Config step) {
  return Config::object(
      {{"class_name", "__slice__"},
       {"config",
        Config::object(
            {{"start", std::move(start)},
             {"stop", std::move(stop)},
             {"step", std::move(step)}})}});
}

}  // namespace

Config array_constant(const Tensor& value) {
  if (value.dtype() == DType::string) {
    throw InvalidArgument("[ops] expected an array of numbers, got strings");
  }
  std::int64_t flat = 0;
  return Config::object(
      {{"class_name", "__numpy__"},
       {"config",
        Config::object(
            {{"value", nested(value, 0, flat)},
             {"dtype", name_of(value.dtype())}})}});
}

Config axes_config(const Axes& axes) {
  if (axes.empty()) return {};
  return axes.size() == 1 ? Config(axes[0]) : Config::ints(axes);
}

Config slices_config(const Ints& start, const Ints& stop, const Ints& step) {
  if (stop.size() != start.size() ||
      (!step.empty() && step.size() != start.size())) {
    throw InvalidArgument(format(
        "[slice] expected start, stop and step of one length, got {}, {} and "
        "{}",
        start.size(),
        stop.size(),
        step.size()));
  }
  Config slices = Config::array();
  for (std::size_t i = 0; i < start.size(); ++i) {
    slices.push_back(slice_config(
        start[i], stop[i], step.empty() ? Config() : Config(step[i])));
  }
  return slices;
}

Config slice_axis_config(
    std::size_t rank, std::int64_t axis, std::int64_t begin, std::int64_t end) {
  const auto count = static_cast<std::int64_t>(rank);
  if (axis < -count || axis >= count) {
    throw InvalidArgument(
        format("[slice_axis] expected an axis of {}, got {}", rank, axis));
  }
  Config slices = Config::array();
  for (std::int64_t i = 0; i < (axis < 0 ? axis + count : axis); ++i) {
    slices.push_back(slice_config({}, {}, {}));
  }
  slices.push_back(slice_config(begin, end, {}));
  return slices;
}

Config pad_config(const Ints& low, const Ints& high) {
  if (low.size() != high.size()) {
    throw InvalidArgument(format(
        "[pad] expected low and high of one length, got {} and {}",
        low.size(),
        high.size()));
  }
  Config widths = Config::array();
  for (std::size_t i = 0; i < low.size(); ++i) {
    widths.push_back(Config::ints({low[i], high[i]}));
  }
  return Config::object({{"pad_width", std::move(widths)}});
}

}  // namespace ops::detail

}  // namespace keratin
