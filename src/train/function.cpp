#include <map>
#include <mutex>
#include <utility>

#include <keratin/function.hpp>

#include "src/core/format.hpp"
#include "src/ir/graph.hpp"
#include "src/ir/subgraph.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "src/train/program_cache.hpp"

namespace keratin::detail {

struct TracedFunction::Programs {
  static constexpr std::size_t kCapacity = 64;

  ProgramCache cache{kCapacity};

  /// Held while tracing: the C++ function need not be safe from several
  /// threads. Recursive, as it may call itself on other arrays.
  std::recursive_mutex tracing;

  /// The programs of one function on one backend share their workspace.
  std::map<std::string, std::shared_ptr<ProgramGroup>, std::less<>> groups;
};

TracedFunction::TracedFunction(
    std::string name, std::optional<std::size_t> arity, Body body)
    : name_(std::move(name)),
      arity_(arity),
      body_(std::move(body)),
      programs_(std::make_shared<Programs>()) {}

void TracedFunction::check_arity(std::size_t count) const {
  if (arity_ && *arity_ != count) {
    throw InvalidArgument(
        format("[{}] expected {} arguments, got {}", name_, *arity_, count));
  }
}

std::vector<Value> TracedFunction::inline_into(
    CallContext& ctx, const std::vector<Value>& inputs) const {
  check_arity(inputs.size());
  for (const Value& input : inputs) {
    if (!input) {
      throw InvalidArgument(format("[{}] got an empty value", name_));
    }
  }
  std::vector<Value> outputs = body_(ctx, inputs);
  for (const Value& output : outputs) {
    if (!output) {
      throw InvalidArgument(format("[{}] returned an empty value", name_));
    }
  }
  return outputs;
}

namespace {

/// The graph that new nodes over these values go to.
Graph& graph_of(const std::vector<Value>& values) {
  if (Graph* current = BuildScope::current()) return *current;
  // The innermost: the one from which the graphs of the others are reached.
  Graph* innermost = &values[0].graph();
  for (const Value& value : values) {
    for (Graph* g = &value.graph(); g != nullptr; g = g->outer()) {
      if (g == innermost) innermost = &value.graph();
    }
  }
  return *innermost;
}

}  // namespace

std::vector<Value> TracedFunction::inline_into(
    const std::vector<Value>& inputs) const {
  check_arity(inputs.size());
  if (inputs.empty() || !inputs[0]) {
    throw InvalidArgument(format(
        "[{}] expected a value that says which graph to add to; give the "
        "context",
        name_));
  }
  CallContext ctx(graph_of(inputs));
  std::vector<Value> outputs = inline_into(ctx, inputs);
  if (!ctx.assigned().empty()) {
    throw InvalidArgument(format(
        "[{}] assigns the variable '{}'; call it with the context, f(ctx, ...)",
        name_,
        ctx.assigned()[0].first.path()));
  }
  return outputs;
}

std::vector<Tensor> TracedFunction::run(
    const std::vector<Tensor>& inputs) const {
  check_arity(inputs.size());
  Backend& backend = default_backend();
  std::string key(backend.name());
  for (const Tensor& input : inputs) {
    key += format(" {}{}", input.dtype(), input.shape());
  }
  std::shared_ptr<Program> program = programs_->cache.find(key);
  if (!program) {
    const std::lock_guard lock(programs_->tracing);
    program = programs_->cache.find(key);
    if (!program) {
      Graph graph;
      CallContext ctx(graph);
      std::vector<Value> values;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (inputs[i].dtype() == DType::string) {
          throw InvalidArgument(format(
              "[{}] expected numbers as argument {}, got strings", name_, i));
        }
        values.push_back(graph.parameter(
            {inputs[i].dtype(), inputs[i].shape()}, format("x{}", i)));
      }
      graph.set_outputs(inline_into(ctx, values));
      ctx.finish();
      auto& group = programs_->groups[std::string(backend.name())];
      if (!group) group = std::make_shared<ProgramGroup>();
      CompileOptions options;
      options.name = name_;
      program = programs_->cache.keep(
          key, std::make_shared<Program>(graph, backend, group, options));
    }
  }
  return program->run(inputs);
}

std::size_t TracedFunction::program_count() const {
  return programs_->cache.size();
}

namespace {

/// A value of its own with the same elements, so that two arguments (or an
/// argument and what the function captured) that are one value outside can be
/// told apart.
Value copy_of(Graph& graph, const Value& x) {
  return graph.add1(
      Op::reshape, {x}, {{"shape", Ints(x.shape().begin(), x.shape().end())}});
}

void check_argnums(
    const std::vector<Value>& inputs,
    const std::vector<std::int64_t>& argnums) {
  for (const std::int64_t argnum : argnums) {
    const auto count = static_cast<std::int64_t>(inputs.size());
    if (argnum < 0 || argnum >= count) {
      throw InvalidArgument(format(
          "[grad] expected argnums of {} arguments, got {}", count, argnum));
    }
    const Value& x = inputs[static_cast<std::size_t>(argnum)];
    if (x && !is_floating(x.dtype())) {
      throw InvalidArgument(format(
          "[grad] argument {} is {}{}; only floating-point arguments have "
          "derivatives",
          argnum,
          x.dtype(),
          x.shape()));
    }
  }
}

void check_result(const std::vector<Value>& results) {
  if (results.size() != 1) {
    throw InvalidArgument(format(
        "[grad] expected a function with one result, got {} results",
        results.size()));
  }
  const Value& y = results[0];
  if (y.shape().size() != 1) {
    throw InvalidArgument(format(
        "[grad] expected a function whose result is a scalar, got {}{}; reduce "
        "it first, e.g. with ops::sum",
        y.dtype(),
        y.shape()));
  }
  if (!is_floating(y.dtype())) {
    throw InvalidArgument(format(
        "[grad] expected a function whose result is floating-point, got {}",
        y.dtype()));
  }
}

}  // namespace

TracedFunction make_gradient(
    const TracedFunction& function,
    std::vector<std::int64_t> argnums,
    bool with_value) {
  if (argnums.empty()) {
    throw InvalidArgument("[grad] expected at least one of argnums");
  }
  auto body = [function, argnums = std::move(argnums), with_value](
                  CallContext& ctx, const std::vector<Value>& inputs) {
    check_argnums(inputs, argnums);
    Graph& graph = graph_of(inputs);
    std::vector<Value> own = inputs;
    std::vector<Value> xs;
    for (const std::int64_t argnum : argnums) {
      Value& x = own[static_cast<std::size_t>(argnum)];
      if (x == inputs[static_cast<std::size_t>(argnum)]) {
        x = copy_of(graph, x);
      }
    }
    for (const std::int64_t argnum : argnums) {
      xs.push_back(own[static_cast<std::size_t>(argnum)]);
    }
    std::vector<Value> results = function.inline_into(ctx, own);
    check_result(results);
    // A result that depends on nothing here may be a value further out.
    if (&results[0].graph() != &graph) {
      results[0] = copy_of(graph, results[0]);
    }
    std::vector<Value> grads = gradients(results[0], xs);
    if (!with_value) return grads;
    grads.insert(grads.begin(), results[0]);
    return grads;
  };
  return {"grad", function.arity(), std::move(body)};
}

}  // namespace keratin::detail
