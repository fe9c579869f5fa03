#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <keratin/arguments.hpp>
#include <keratin/config.hpp>
#include <keratin/ops.hpp>
#include <keratin/value.hpp>

namespace keratin {

/// What a builder of an operation sees: the operands of the call and the
/// arguments of the operation's constructor. Every function throws
/// InvalidArgument naming the operation when what it asks for is not there.
class OperationCall {
 public:
  OperationCall(
      std::string who,
      Graph& graph,
      const Arguments<Value>& inputs,
      const Config& config)
      : who_(std::move(who)), graph_(graph), inputs_(inputs), config_(config) {}

  Graph& graph() const { return graph_; }

  [[noreturn]] void fail(const std::string& message) const;

  // -- operands
  // ----------------------------------------------------------------

  /// A positional operand as a value: constants become nodes.
  Value tensor(std::size_t index = 0) const;

  /// The tensor at a place or of a keyword, if that has a name; empty when
  /// there is none.
  Value optional(std::size_t index, std::string_view name) const;

  /// As tensor; integers and bools as float32.
  Value floating(std::size_t index = 0) const;

  /// The tensors of a list (arrays among them included), in their common dtype.
  std::vector<Value> list(std::size_t index = 0) const;

  /// The positional operands from `first` to before `end` (all that there are),
  /// in their common dtype. With `floating` that is float32 at least.
  std::vector<Value> promoted(
      std::size_t first = 0,
      bool floating = false,
      std::size_t end = std::numeric_limits<std::size_t>::max()) const;

  /// The constant at a place or of a keyword; null when there is none, or it is
  /// JSON's null.
  const Config* constant(std::size_t index) const;
  const Config* keyword(std::string_view name) const;

  /// Fails unless there are so many positional operands.
  void expect_operands(std::size_t count) const;

  // -- arguments
  // ---------------------------------------------------------------

  const Config& argument(std::string_view name) const;
  bool given(std::string_view name) const;  // is not null
  bool flag(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  std::int64_t place(std::string_view name) const;  // an integer of 32 bits
  double number(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  DType dtype(std::string_view name = "dtype") const;
  Shape shape(std::string_view name) const;

  /// None (empty), a number or a list.
  std::vector<std::int64_t> ints(std::string_view name) const;

  /// The axis counted from the front.
  std::int64_t axis(std::string_view name, const Value& x) const;

 private:
  const Argument<Value>& operand(std::size_t index) const;
  Value value_of(
      const Argument<Value>& argument, const std::string& what) const;

  std::string who_;
  Graph& graph_;
  const Arguments<Value>& inputs_;
  const Config& config_;
};

/// One of Keras's operations: the class of keras.src.ops.<module> of that name.
struct Operation {
  const char* name;      // "Mean"
  const char* module;    // "numpy"
  const char* defaults;  // its constructor's arguments, as JSON
  std::vector<Value> (*build)(const OperationCall& call);
};

/// Null when there is none.
const Operation* find_operation(std::string_view name);

std::vector<std::string> operation_names();

/// The defaults with what `given` holds instead; throws InvalidArgument with
/// `where` for an argument the operation does not have.
Config complete_arguments(
    const Operation& operation, const Config& given, const std::string& where);

/// The dtype in which operands meet, as Keras 3 has it. `weak` are kinds of C++
/// or Python numbers among the operands.
struct WeakNumbers {
  bool integer = false;
  bool fraction = false;
};

DType promote(const std::vector<DType>& dtypes, WeakNumbers weak = {});

// The families of the table.
std::span<const Operation> elementwise_operations();
std::span<const Operation> special_operations();
std::span<const Operation> binary_operations();
std::span<const Operation> reduction_operations();
std::span<const Operation> nan_operations();
std::span<const Operation> quantile_operations();
std::span<const Operation> shape_operations();
std::span<const Operation> matrix_operations();
std::span<const Operation> range_operations();
std::span<const Operation> indexing_operations();
std::span<const Operation> update_operations();
std::span<const Operation> network_operations();
std::span<const Operation> normalization_operations();
std::span<const Operation> image_operations();

}  // namespace keratin
