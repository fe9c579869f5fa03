#include "layers/base/operation_table.hpp"

#include <algorithm>
#include <array>
#include <map>

#include <keratin/error.hpp>

#include "layers/support/keras_layer.hpp"
#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

namespace {

using Table = std::map<std::string_view, const Operation*>;

const Table& table() {
  static const Table all = [] {
    Table made;
    for (const auto& family :
         {elementwise_operations(),
          special_operations(),
          binary_operations(),
          reduction_operations(),
          nan_operations(),
          quantile_operations(),
          shape_operations(),
          matrix_operations(),
          range_operations(),
          indexing_operations(),
          update_operations(),
          network_operations(),
          normalization_operations(),
          image_operations()}) {
      for (const Operation& operation : family) {
        const bool is_new = made.emplace(operation.name, &operation).second;
        KERATIN_CHECK(is_new, "{} is in the table once", operation.name);
      }
    }
    return made;
  }();
  return all;
}

}  // namespace

const Operation* find_operation(std::string_view name) {
  const auto found = table().find(name);
  return found == table().end() ? nullptr : found->second;
}

std::vector<std::string> operation_names() {
  std::vector<std::string> names;
  for (const auto& [name, operation] : table()) names.emplace_back(name);
  return names;
}

Config complete_arguments(
    const Operation& operation, const Config& given, const std::string& where) {
  Config out = Config::parse(operation.defaults, operation.name);
  for (const auto& [key, value] : given.as_object()) {
    if (Config* argument = out.find(key)) {
      *argument = value;
      continue;
    }
    std::vector<std::string> known;
    for (const auto& [name, fallback] : out.as_object()) known.push_back(name);
    throw InvalidArgument(format(
        "[{}] {} has no argument '{}'{}",
        where,
        operation.name,
        key,
        did_you_mean(key, known)));
  }
  return out;
}

// -- promotion
// -----------------------------------------------------------------

namespace {

/// The places of Keras's lattice of dtypes: keras/src/backend/common/dtypes.py.
/// A number of the language has a place below the arrays of its kind.
enum Place : std::uint8_t {
  kBool,
  kInt,
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kU64,
  kI64,
  kFloat,
  kBF16,
  kF16,
  kF32,
  kF64,
  kPlaces,
};

struct Edge {
  Place low;
  Place high;
};

constexpr Edge kEdges[] = {
    {kBool, kInt}, {kInt, kU8},    {kInt, kI8},     {kU8, kI16},
    {kU8, kU16},   {kU16, kI32},   {kU16, kU32},    {kU32, kI64},
    {kU32, kU64},  {kU64, kFloat}, {kI8, kI16},     {kI16, kI32},
    {kI32, kI64},  {kI64, kFloat}, {kFloat, kBF16}, {kFloat, kF16},
    {kBF16, kF32}, {kF16, kF32},   {kF32, kF64},
};

/// For each place, the places at or above it, as bits.
constexpr std::array<std::uint32_t, kPlaces> kAbove = [] {
  std::array<std::uint32_t, kPlaces> above{};
  // An edge leads to a later place, so one pass from the top closes the sets.
  for (int place = kPlaces - 1; place >= 0; --place) {
    above[place] = 1U << place;
    for (const Edge& edge : kEdges) {
      if (edge.low == place) above[place] |= above[edge.high];
    }
  }
  return above;
}();

Place place_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return kF32;
    case DType::f64:
      return kF64;
    case DType::f16:
      return kF16;
    case DType::bf16:
      return kBF16;
    case DType::i8:
      return kI8;
    case DType::i16:
      return kI16;
    case DType::i32:
      return kI32;
    case DType::i64:
      return kI64;
    case DType::u8:
      return kU8;
    case DType::u16:
      return kU16;
    case DType::u32:
      return kU32;
    case DType::u64:
      return kU64;
    case DType::boolean:
      return kBool;
    case DType::string:
      break;
  }
  throw InvalidArgument("[ops] expected numbers, got strings");
}

constexpr DType kDTypes[kPlaces] = {
    DType::boolean,
    DType::i32,  // int
    DType::u8,
    DType::i8,
    DType::u16,
    DType::i16,
    DType::u32,
    DType::i32,
    DType::u64,
    DType::i64,
    DType::f32,  // float
    DType::bf16,
    DType::f16,
    DType::f32,
    DType::f64};

}  // namespace

DType promote(const std::vector<DType>& dtypes, WeakNumbers weak) {
  std::uint32_t common = kAbove[kBool];
  for (const DType dtype : dtypes) common &= kAbove[place_of(dtype)];
  if (weak.integer) common &= kAbove[kInt];
  if (weak.fraction) common &= kAbove[kFloat];
  // The least of the common places: the one below all others.
  for (int place = 0; place < kPlaces; ++place) {
    if (kAbove[place] == common) return kDTypes[place];
  }
  KERATIN_CHECK(false, "any two dtypes have a least upper bound");
  return DType::f64;
}

// -- calls
// ---------------------------------------------------------------------

void OperationCall::fail(const std::string& message) const {
  throw InvalidArgument(format("{} {}", who_, message));
}

const Argument<Value>& OperationCall::operand(std::size_t index) const {
  const Argument<Value>* found = inputs_.positional(index);
  if (found == nullptr) {
    fail(format("expected operand {}, which is missing", index));
  }
  return *found;
}

namespace {

bool holds_integers(const Config& config) {
  if (!config.is_array()) return config.is_int();
  return std::all_of(
      config.as_array().begin(), config.as_array().end(), holds_integers);
}

/// A list of numbers, or Keras's {"class_name": "__numpy__" or "__tensor__"}.
Value array_value(Graph& graph, const Config& config, const std::string& who) {
  DType dtype = holds_integers(config) ? DType::i32 : DType::f32;
  if (const Config* fields = config.find("config")) {
    dtype = parse_dtype(fields->at("dtype").as_string());
  }
  const Tensor value = layers::tensor_from_config(config, who);
  return ops::constant(graph, value.cast(dtype));
}

/// A number of the language. Where programs are kept it is an operand of the
/// program, so that the next number needs no new one.
bool is_weak_number(const Argument<Value>& argument) {
  return argument.constant.is_number();
}

Value number_value(Graph& graph, const Argument<Value>& argument, DType dtype) {
  if (!argument.tensors.empty()) return ops::cast(argument.tensors[0], dtype);
  return ops::full(graph, {}, argument.constant.as_number(), dtype);
}

}  // namespace

Value OperationCall::value_of(
    const Argument<Value>& argument, const std::string& what) const {
  if (is_weak_number(argument)) {
    const DType dtype = argument.constant.is_int() ? DType::i32 : DType::f32;
    return number_value(graph_, argument, dtype);
  }
  if (argument.tensors.size() == 1 && !argument.is_list) {
    return argument.tensors[0];
  }
  if (!argument.tensors.empty() || argument.constant.is_null()) {
    fail(format("expected one tensor as {}", what));
  }
  if (argument.constant.is_bool()) {
    return ops::constant(graph_, Tensor(argument.constant.as_bool()));
  }
  return array_value(graph_, argument.constant, who_);
}

Value OperationCall::tensor(std::size_t index) const {
  return value_of(operand(index), format("operand {}", index));
}

Value OperationCall::optional(std::size_t index, std::string_view name) const {
  const Argument<Value>* found = inputs_.positional(index);
  if (found == nullptr && !name.empty()) found = inputs_.find(name);
  if (found == nullptr ||
      (found->tensors.empty() && found->constant.is_null())) {
    return {};
  }
  return value_of(*found, std::string(name));
}

Value OperationCall::floating(std::size_t index) const {
  const Value x = tensor(index);
  return is_floating(x.dtype()) ? x : ops::cast(x, DType::f32);
}

std::vector<Value> OperationCall::list(std::size_t index) const {
  const Argument<Value>& argument = operand(index);
  if (argument.tensors.empty()) {
    fail(format("expected a list of tensors as operand {}", index));
  }
  std::vector<Value> out = argument.tensors;
  if (argument.constant.is_array()) {  // arrays among the tensors
    out.clear();
    auto next = argument.tensors.begin();
    for (const Config& place : argument.constant.as_array()) {
      if (place.is_null()) fail("expected tensors in the list, got null");
      out.push_back(
          place == Config(true) ? *next++ : array_value(graph_, place, who_));
    }
  }
  std::vector<DType> dtypes;
  for (const Value& x : out) dtypes.push_back(x.dtype());
  const DType common = promote(dtypes);
  for (Value& x : out) x = ops::cast(x, common);
  return out;
}

std::vector<Value> OperationCall::promoted(
    std::size_t first, bool floating, std::size_t end) const {
  std::vector<Value> out;
  std::vector<DType> dtypes;
  WeakNumbers weak;
  weak.fraction = floating;
  std::size_t count = first;
  for (; count < end && inputs_.positional(count) != nullptr; ++count) {
    const Argument<Value>& argument = operand(count);
    if (is_weak_number(argument)) {
      (argument.constant.is_int() ? weak.integer : weak.fraction) = true;
      out.emplace_back();
      continue;
    }
    out.push_back(tensor(count));
    dtypes.push_back(out.back().dtype());
  }
  const DType common = promote(dtypes, weak);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = out[i] ? ops::cast(out[i], common)
                    : number_value(graph_, operand(first + i), common);
  }
  return out;
}

const Config* OperationCall::constant(std::size_t index) const {
  const Argument<Value>* found = inputs_.positional(index);
  const bool absent =
      found == nullptr || !found->tensors.empty() || found->constant.is_null();
  return absent ? nullptr : &found->constant;
}

const Config* OperationCall::keyword(std::string_view name) const {
  const Argument<Value>* found = inputs_.find(name);
  const bool absent =
      found == nullptr || !found->tensors.empty() || found->constant.is_null();
  return absent ? nullptr : &found->constant;
}

void OperationCall::expect_operands(std::size_t count) const {
  std::size_t got = 0;
  while (inputs_.positional(got) != nullptr) ++got;
  if (got != count) fail(format("expected {} operands, got {}", count, got));
}

const Config& OperationCall::argument(std::string_view name) const {
  const Config* found = config_.find(name);
  KERATIN_CHECK(found != nullptr, "{} declares argument {}", who_, name);
  return *found;
}

bool OperationCall::given(std::string_view name) const {
  return !argument(name).is_null();
}

bool OperationCall::flag(std::string_view name) const {
  const Config& value = argument(name);
  if (!value.is_bool()) {
    fail(format("{}: expected true or false, got {}", name, value.dump()));
  }
  return value.as_bool();
}

std::int64_t OperationCall::integer(std::string_view name) const {
  const Config& value = argument(name);
  if (!value.is_int()) {
    fail(format("{}: expected an integer, got {}", name, value.dump()));
  }
  return value.as_int();
}

std::int64_t OperationCall::place(std::string_view name) const {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const std::int64_t value = integer(name);
  if (value < -kMost || value > kMost) {
    fail(format("{}: expected at most {}, got {}", name, kMost, value));
  }
  return value;
}

double OperationCall::number(std::string_view name) const {
  const Config& value = argument(name);
  if (!value.is_number()) {
    fail(format("{}: expected a number, got {}", name, value.dump()));
  }
  return value.as_number();
}

const std::string& OperationCall::text(std::string_view name) const {
  const Config& value = argument(name);
  if (!value.is_string()) {
    fail(format("{}: expected a string, got {}", name, value.dump()));
  }
  return value.as_string();
}

DType OperationCall::dtype(std::string_view name) const {
  return parse_dtype(text(name));
}

std::vector<std::int64_t> OperationCall::ints(std::string_view name) const {
  const Config& value = argument(name);
  if (value.is_null()) return {};
  if (value.is_int()) return {value.as_int()};
  if (!value.is_array() || !holds_integers(value)) {
    fail(format("{}: expected integers, got {}", name, value.dump()));
  }
  return value.as_ints();
}

Shape OperationCall::shape(std::string_view name) const {
  std::vector<std::int64_t> dims;
  const Config& value = argument(name);
  if (!value.is_array()) {
    fail(format("{}: expected a shape, got {}", name, value.dump()));
  }
  for (const Config& dim : value.as_array()) {
    dims.push_back(dim.is_null() ? kUnknown : dim.as_int());
  }
  return Shape(std::move(dims));
}

std::int64_t OperationCall::axis(std::string_view name, const Value& x) const {
  const std::int64_t axis = integer(name);
  const auto rank = static_cast<std::int64_t>(x.rank());
  if (axis < -rank || axis >= rank) {
    fail(format("{}: expected an axis of {}, got {}", name, x.shape(), axis));
  }
  return axis < 0 ? axis + rank : axis;
}

}  // namespace keratin
