// The functions of ops on arrays: small programs, kept for the next call.

#include "src/train/eager_ops.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "layers/base/operation_table.hpp"
#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/ir/graph.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "src/train/program_cache.hpp"

namespace keratin {

namespace {

ProgramCache& cache() {
  // Never destroyed: arrays may be computed with while the process ends.
  static auto* the_cache = new ProgramCache(kEagerPrograms);
  return *the_cache;
}

/// All that the program depends on.
std::string key_of(
    const char* operation,
    const Arguments<Tensor>& arguments,
    const Config& config,
    const Backend& backend) {
  std::string key =
      format("{} {} {}", backend.name(), operation, config.dump());
  for (const Argument<Tensor>& item : arguments.items) {
    key += format(" {}{}", item.name, item.is_list ? "*" : ":");
    if (item.tensors.empty()) {
      key += item.constant.dump();
    } else if (item.constant.is_number()) {
      key += item.constant.is_int() ? "int" : "number";
    }
    for (const Tensor& tensor : item.tensors) {
      key += format("{}{},", tensor.dtype(), tensor.shape());
    }
  }
  return key;
}

/// Numbers beside tensors as operands of the program, which then serves for all
/// numbers. An exponent stays a constant: most are small and have better code
/// than a general power.
Arguments<Tensor> with_numbers(
    std::string_view operation, const Arguments<Tensor>& arguments) {
  Arguments<Tensor> out = arguments;
  if (operation == "Power") return out;
  for (Argument<Tensor>& item : out.items) {
    const bool positional = item.name.empty();
    if (positional && item.tensors.empty() && item.constant.is_number()) {
      item.tensors.push_back(Tensor(item.constant.as_number()));
    }
  }
  return out;
}

std::shared_ptr<Program> compile(
    const Operation& operation,
    const Arguments<Tensor>& arguments,
    const Config& config,
    Backend& backend) {
  const std::string who = format("[{}]", operation.name);
  Graph graph;
  Arguments<Value> values;
  for (const Argument<Tensor>& item : arguments.items) {
    Argument<Value> argument{item.name, {}, item.is_list, item.constant};
    for (const Tensor& tensor : item.tensors) {
      if (tensor.dtype() == DType::string) {
        throw InvalidArgument(format("{} expected numbers, got strings", who));
      }
      argument.tensors.push_back(
          graph.parameter({tensor.dtype(), tensor.shape()}, "x"));
    }
    values.items.push_back(std::move(argument));
  }
  graph.set_outputs(operation.build({who, graph, values, config}));
  CompileOptions options;
  options.name = operation.name;
  return std::make_shared<Program>(graph, backend, nullptr, options);
}

}  // namespace

std::size_t eager_program_count() {
  return cache().size();
}

namespace ops::detail {

std::vector<Tensor> apply(
    const char* operation,
    const Arguments<Tensor>& arguments,
    const Config& config) {
  const Operation* known = find_operation(operation);
  KERATIN_CHECK(known != nullptr, "the operation {} is known", operation);
  const Arguments<Tensor> own = with_numbers(operation, arguments);
  Backend& backend = default_backend();
  const std::string key = key_of(operation, own, config, backend);
  std::shared_ptr<Program> program = cache().find(key);
  if (!program) {
    const Config complete = complete_arguments(*known, config, operation);
    program = cache().keep(key, compile(*known, own, complete, backend));
  }
  return program->run(own.tensors());
}

}  // namespace ops::detail

}  // namespace keratin
