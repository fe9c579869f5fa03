#include "src/ir/ops/control.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/ops/derived.hpp"
#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"
#include "src/ir/subgraph.hpp"

namespace keratin {

namespace {

// -- shape rules -------------------------------------------------------------

void expect_parameter_count(
    const InferArgs& args, const Graph& body, std::size_t expected) {
  if (body.parameters().size() == expected) return;
  rules::fail(
      args,
      format(
          "expected a sub-graph of {} parameters, got one of {}",
          expected,
          body.parameters().size()));
}

void expect_parameter(
    const InferArgs& args,
    const Graph& body,
    std::size_t index,
    const ValueType& type) {
  const ValueType& got = body.type(body.parameters()[index]);
  if (got == type) return;
  rules::fail(
      args,
      format(
          "expected parameter {} of the sub-graph to be {}, got {}",
          index,
          type.str(),
          got.str()));
}

/// The sub-graph's first results carry on: they have the carries' types.
void expect_carries(
    const InferArgs& args, const Graph& body, std::size_t carries) {
  if (body.outputs().size() < carries) {
    rules::fail(
        args,
        format(
            "expected the body to return the {} carried values first, got {} "
            "values",
            carries,
            body.outputs().size()));
  }
  for (std::size_t i = 0; i < carries; ++i) {
    const ValueType& got = body.type(body.outputs()[i]);
    if (got == args.inputs[i]) continue;
    rules::fail(
        args,
        format(
            "expected the body to keep carried value {} of type {}, got {}",
            i,
            args.inputs[i].str(),
            got.str()));
  }
}

std::size_t count_attr(
    const InferArgs& args, std::string_view name, std::size_t limit) {
  const std::int64_t count = args.attrs.integer(name);
  if (count < 0 || static_cast<std::size_t>(count) > limit) {
    rules::fail(
        args, format("expected {} in [0, {}], got {}", name, limit, count));
  }
  return static_cast<std::size_t>(count);
}

bool is_flag(const ValueType& type) {
  return type.dtype == DType::boolean && type.shape.empty();
}

std::vector<ValueType> infer_scan(const InferArgs& args) {
  const Graph& body = args.attrs.graph("body");
  const std::size_t carries = count_attr(args, "carries", args.inputs.size());
  const std::size_t xs = count_attr(args, "xs", args.inputs.size() - carries);
  const std::int64_t length = args.attrs.integer("length");
  if (length < 0) {
    rules::fail(args, format("expected length >= 0, got {}", length));
  }
  expect_parameter_count(args, body, args.inputs.size());
  for (std::size_t i = 0; i < args.inputs.size(); ++i) {
    ValueType type = args.inputs[i];
    if (i >= carries && i < carries + xs) {
      if (type.shape.empty() || type.shape[0] != length) {
        rules::fail(
            args,
            format(
                "expected a first axis of {} steps to scan over, got {}",
                length,
                type.str()));
      }
      type.shape = Shape(Ints(type.shape.begin() + 1, type.shape.end()));
    }
    expect_parameter(args, body, i, type);
  }
  expect_carries(args, body, carries);
  std::vector<ValueType> results;
  for (std::size_t i = 0; i < body.outputs().size(); ++i) {
    ValueType type = body.type(body.outputs()[i]);
    if (i >= carries) {
      Ints dims = {length};
      dims.insert(dims.end(), type.shape.begin(), type.shape.end());
      type.shape = Shape(std::move(dims));
    }
    results.push_back(std::move(type));
  }
  return results;
}

std::vector<ValueType> infer_cond(const InferArgs& args) {
  const Graph& if_true = args.attrs.graph("if_true");
  const Graph& if_false = args.attrs.graph("if_false");
  rules::expect_operands(args);
  if (!is_flag(args.inputs[0])) {
    rules::fail(
        args,
        format(
            "expected a bool scalar as predicate, got {}",
            args.inputs[0].str()));
  }
  for (const Graph* branch : {&if_true, &if_false}) {
    expect_parameter_count(args, *branch, args.inputs.size() - 1);
    for (std::size_t i = 1; i < args.inputs.size(); ++i) {
      expect_parameter(args, *branch, i - 1, args.inputs[i]);
    }
  }
  if (if_true.outputs().size() != if_false.outputs().size()) {
    rules::fail(
        args,
        format(
            "expected both branches to return as many values, got {} and {}",
            if_true.outputs().size(),
            if_false.outputs().size()));
  }
  std::vector<ValueType> results;
  for (std::size_t i = 0; i < if_true.outputs().size(); ++i) {
    const ValueType& a = if_true.type(if_true.outputs()[i]);
    const ValueType& b = if_false.type(if_false.outputs()[i]);
    if (a != b) {
      rules::fail(
          args,
          format(
              "expected both branches to return the same types, got {} and "
              "{} for result {}",
              a.str(),
              b.str(),
              i));
    }
    results.push_back(a);
  }
  return results;
}

std::vector<ValueType> infer_while_loop(const InferArgs& args) {
  const Graph& condition = args.attrs.graph("condition");
  const Graph& body = args.attrs.graph("body");
  const std::size_t carries = count_attr(args, "carries", args.inputs.size());
  if (args.attrs.integer("max_iterations") < -1) {
    rules::fail(
        args,
        format(
            "expected max_iterations >= 0, or -1 for none, got {}",
            args.attrs.integer("max_iterations")));
  }
  for (const Graph* graph : {&condition, &body}) {
    expect_parameter_count(args, *graph, args.inputs.size());
    for (std::size_t i = 0; i < args.inputs.size(); ++i) {
      expect_parameter(args, *graph, i, args.inputs[i]);
    }
  }
  if (condition.outputs().size() != 1 ||
      !is_flag(condition.type(condition.outputs()[0]))) {
    rules::fail(
        args,
        format(
            "expected the condition to return one bool scalar, got {}",
            condition.outputs().size() == 1
                ? condition.type(condition.outputs()[0]).str()
                : format("{} values", condition.outputs().size())));
  }
  expect_carries(args, body, carries);
  if (body.outputs().size() != carries) {
    rules::fail(
        args,
        format(
            "expected the body to return the {} carried values, got {} values",
            carries,
            body.outputs().size()));
  }
  return {
      args.inputs.begin(),
      args.inputs.begin() + static_cast<std::ptrdiff_t>(carries)};
}

std::vector<ValueType> infer_fused(const InferArgs& args) {
  const Graph& body = args.attrs.graph("body");
  expect_parameter_count(args, body, args.inputs.size());
  for (std::size_t i = 0; i < args.inputs.size(); ++i) {
    expect_parameter(args, body, i, args.inputs[i]);
  }
  std::vector<ValueType> results;
  for (const ValueId id : body.outputs()) results.push_back(body.type(id));
  return results;
}

std::vector<Value> inline_fused(const DecomposeArgs& args) {
  return inline_graph(args.graph, args.attrs.graph("body"), args.inputs);
}

// -- builder functions -------------------------------------------------------

thread_local Graph* current_body = nullptr;

/// While it lives, control-flow nodes over values of the graphs around `graph`
/// go into `graph`: their sub-graphs may use its values. Other nodes that
/// depend on nothing of a loop's body stay outside, computed once.
class BodyScope {
 public:
  explicit BodyScope(Graph& graph) : previous_(current_body) {
    current_body = &graph;
  }

  ~BodyScope() { current_body = previous_; }

  BodyScope(const BodyScope&) = delete;
  BodyScope& operator=(const BodyScope&) = delete;

 private:
  Graph* previous_;
};

/// Where a control-flow node over `values` goes.
Graph& home_of(const std::vector<Value>& values, std::string_view function) {
  Graph& graph = rules::graph_of(values, function);
  for (Graph* g = current_body; g != nullptr; g = g->outer()) {
    if (g == &graph) return *current_body;
  }
  return graph;
}

ValueType type_of(const Value& x) {
  return {x.dtype(), x.shape()};
}

std::vector<Value> joined(
    const std::vector<Value>& a, const std::vector<Value>& b) {
  std::vector<Value> result = a;
  result.insert(result.end(), b.begin(), b.end());
  return result;
}

std::vector<Value> carry_parameters(
    SubgraphBuilder& builder, const std::vector<Value>& init) {
  std::vector<Value> parameters;
  for (std::size_t i = 0; i < init.size(); ++i) {
    parameters.push_back(
        builder.parameter(type_of(init[i]), format("carry_{}", i)));
  }
  return parameters;
}

std::int64_t scan_length(
    const std::vector<Value>& xs,
    std::optional<std::int64_t> length,
    const std::string& who) {
  for (const Value& x : xs) {
    if (x.rank() == 0) {
      rules::fail(who, "expected values of rank >= 1 to scan over, got []");
    }
    const std::int64_t steps = x.shape()[0];
    if (!length) length = steps;
    if (*length == steps) continue;
    rules::fail(
        who,
        format(
            "expected a first axis of {} steps to scan over, got {}",
            *length,
            x.shape()));
  }
  if (!length) {
    rules::fail(who, "expected a length where there is nothing to scan over");
  }
  return *length;
}

}  // namespace

namespace ops {

ScanResult scan(
    const std::vector<Value>& init,
    const std::vector<Value>& xs,
    const Body& body,
    std::optional<std::int64_t> length,
    bool reverse) {
  std::vector<Value> inputs = joined(init, xs);
  Graph& graph = home_of(inputs, "scan");
  const std::int64_t steps =
      scan_length(xs, length, rules::who(inputs[0], "scan"));
  SubgraphBuilder builder(graph);
  std::vector<Value> parameters = carry_parameters(builder, init);
  for (std::size_t i = 0; i < xs.size(); ++i) {
    ValueType type = type_of(xs[i]);
    type.shape = Shape(Ints(type.shape.begin() + 1, type.shape.end()));
    parameters.push_back(builder.parameter(type, format("x_{}", i)));
  }
  {
    const BodyScope scope(builder.graph());
    builder.set_outputs(body(parameters));
  }
  inputs = joined(inputs, builder.captured());
  const std::vector<Value> results = graph.add(
      Op::scan,
      inputs,
      {{"body", builder.finish()},
       {"carries", static_cast<std::int64_t>(init.size())},
       {"xs", static_cast<std::int64_t>(xs.size())},
       {"length", steps},
       {"reverse", reverse}});
  const auto carries = static_cast<std::ptrdiff_t>(init.size());
  return {
      {results.begin(), results.begin() + carries},
      {results.begin() + carries, results.end()}};
}

std::vector<Value> cond(
    const Value& predicate,
    const std::function<std::vector<Value>()>& if_true,
    const std::function<std::vector<Value>()>& if_false) {
  Graph& graph = home_of({predicate}, "cond");
  const auto build = [](SubgraphBuilder& builder, const auto& branch) {
    const BodyScope body(builder.graph());
    const BuildScope scope(builder.graph());
    builder.set_outputs(branch());
  };
  SubgraphBuilder builder_true(graph);
  SubgraphBuilder builder_false(graph);
  build(builder_true, if_true);
  build(builder_false, if_false);
  builder_true.align(builder_false);
  return graph.add(
      Op::cond,
      joined({predicate}, builder_true.captured()),
      {{"if_true", builder_true.finish()},
       {"if_false", builder_false.finish()}});
}

std::vector<Value> while_loop(
    const Body& condition,
    const Body& body,
    const std::vector<Value>& init,
    std::optional<std::int64_t> max_iterations) {
  Graph& graph = home_of(init, "while_loop");
  if (max_iterations && *max_iterations < 0) {
    rules::fail(
        rules::who(init[0], "while_loop"),
        format("expected max_iterations >= 0, got {}", *max_iterations));
  }
  const auto build = [&](SubgraphBuilder& builder, const Body& function) {
    const std::vector<Value> parameters = carry_parameters(builder, init);
    const BodyScope scope(builder.graph());
    builder.set_outputs(function(parameters));
  };
  SubgraphBuilder condition_builder(graph);
  SubgraphBuilder body_builder(graph);
  build(condition_builder, condition);
  build(body_builder, body);
  body_builder.align(condition_builder);
  return graph.add(
      Op::while_loop,
      joined(init, body_builder.captured()),
      {{"condition", condition_builder.finish()},
       {"body", body_builder.finish()},
       {"carries", static_cast<std::int64_t>(init.size())},
       {"max_iterations", max_iterations.value_or(-1)}});
}

}  // namespace ops

std::vector<Value> rules::bounded_loop(
    Graph& graph, const Attrs& attrs, const std::vector<Value>& inputs) {
  const Graph& condition = attrs.graph("condition");
  const Graph& body = attrs.graph("body");
  const auto carries = static_cast<std::ptrdiff_t>(attrs.integer("carries"));
  const std::vector<Value> init(inputs.begin(), inputs.begin() + carries);
  const std::vector<Value> captured(inputs.begin() + carries, inputs.end());
  const BodyScope scope(graph);
  // The condition sees the same values once it has failed, so it stays false.
  const auto step = [&](const std::vector<Value>& carry) {
    const std::vector<Value> arguments = joined(carry, captured);
    Graph& step_graph = graph_of(carry, "while_loop");
    const Value active = inline_graph(step_graph, condition, arguments)[0];
    return ops::cond(
        active,
        [&] { return inline_graph(*BuildScope::current(), body, arguments); },
        [&] { return carry; });
  };
  return ops::scan(init, {}, step, attrs.integer("max_iterations")).carry;
}

std::vector<OpInfo> families::control_ops() {
  return {
      {.op = Op::scan,
       .name = "scan",
       .input_count = kVariadic,
       .attrs =
           {{"body", AttrKind::graph},
            {"carries", AttrKind::integer},
            {"xs", AttrKind::integer},
            {"length", AttrKind::integer},
            {"reverse", AttrKind::boolean}},
       .infer = infer_scan,
       .gradient = rules::gradient_scan},
      {.op = Op::cond,
       .name = "cond",
       .input_count = kVariadic,
       .attrs = {{"if_true", AttrKind::graph}, {"if_false", AttrKind::graph}},
       .infer = infer_cond,
       .gradient = rules::gradient_cond},
      {.op = Op::while_loop,
       .name = "while_loop",
       .input_count = kVariadic,
       .attrs =
           {{"condition", AttrKind::graph},
            {"body", AttrKind::graph},
            {"carries", AttrKind::integer},
            {"max_iterations", AttrKind::integer}},
       .infer = infer_while_loop,
       .gradient = rules::gradient_while_loop},
      {.op = Op::fused,
       .name = "fused",
       .input_count = kVariadic,
       .attrs = {{"body", AttrKind::graph}},
       .infer = infer_fused,
       .gradient = rules::gradient_by_decomposition,
       .decompose = inline_fused,
       .elementwise = true},
  };
}

}  // namespace keratin
