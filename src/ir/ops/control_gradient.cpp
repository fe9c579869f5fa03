#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/ir/autodiff.hpp"
#include "src/ir/ops/control.hpp"
#include "src/ir/ops/derived.hpp"
#include "src/ir/ops/rules.hpp"
#include "src/ir/subgraph.hpp"

namespace keratin {

namespace {

using Values = std::vector<Value>;

ValueType type_of(const Value& x) {
  return {x.dtype(), x.shape()};
}

/// Results worth keeping from the forward step for the backward one; all else
/// is computed again.
bool is_costly(Op op) {
  switch (op) {
    case Op::matmul:
    case Op::conv:
    case Op::conv_backward_data:
    case Op::conv_backward_weights:
    case Op::scan:
    case Op::cond:
    case Op::while_loop:
      return true;
    default:
      return false;
  }
}

// The gradient of a scan is a scan in the other direction:
//
//   forward step:   carry, x, captured                    -> carry', y
//   backward step:  dcarry', dcaptured; carry, x, kept, dy; captured
//                                  -> dcarry, dcaptured + ...; dx
//
// The backward step computes the forward one again from the carried values,
// except the results of costly nodes, which are kept. It gets both from a
// second forward scan whose body has the same nodes but more results, after the
// first one's: a pass can replace the first scan by the second.
//
// It is drafted with every forward value at hand; then what it really needs is
// copied.
class ScanGradient {
 public:
  explicit ScanGradient(const GradientArgs& args)
      : args_(args),
        graph_(args.graph),
        body_(args.attrs.graph("body")),
        carries_(static_cast<std::size_t>(args.attrs.integer("carries"))),
        captured_(
            carries_ + static_cast<std::size_t>(args.attrs.integer("xs"))),
        draft_(args.graph),
        step_(args.graph) {}

  Values run() {
    draft();
    find_products();
    find_needed();
    scan_forward_again();
    return scan_backward();
  }

 private:
  /// Where the slices of a value of the draft come from, when they exist before
  /// the backward scan runs.
  struct Source {
    Value stacked;         // an operand of the scan or a gradient, or
    ValueId forward = -1;  // a value of the body
  };

  /// The gradient of captured operand `operand`, the sum over all steps of
  /// a^T . b: one product of the stacked steps, outside the scan.
  struct Product {
    std::size_t operand;
    ValueId a;
    ValueId b;
  };

  bool is_floating_operand(std::size_t i) const {
    return is_floating(args_.inputs[i].dtype());
  }

  void draft() {
    Values operands;  // of the forward step, in the draft
    const auto declare = [this](const ValueType& type) {
      return draft_.parameter(type, "p");
    };
    for (std::size_t i = 0; i < args_.inputs.size(); ++i) {
      const ValueId id = body_.parameters()[i];
      operands.push_back(declare(body_.type(id)));
      if (i < carries_) {
        sources_[operands[i].id()] = {Value(), id};
      } else if (i < captured_) {
        sources_[operands[i].id()] = {args_.inputs[i], -1};
      }
    }
    captured_parameters_.assign(
        operands.begin() + static_cast<std::ptrdiff_t>(captured_),
        operands.end());
    Values dys;
    for (std::size_t i = 0; i < args_.grads.size(); ++i) {
      const ValueId y = body_.outputs()[i];
      const Value& grad = args_.grads[i];
      const bool is_carry = i < carries_;
      if (!is_floating(body_.type(y).dtype) || (!is_carry && !grad)) {
        dys.emplace_back();
        continue;
      }
      dys.push_back(declare(body_.type(y)));
      if (is_carry) {
        carry_grads_.push_back(dys.back().id());
      } else {
        sources_[dys.back().id()] = {grad, -1};
      }
    }
    const Values results = replay(operands);
    std::vector<std::size_t> wanted;
    Values xs;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (!is_floating_operand(i)) continue;
      if (i >= carries_ && !args_.wants(i)) continue;
      wanted.push_back(i);
      xs.push_back(operands[i]);
    }
    const Values grads = vjp(results, xs, dys);
    gradients_.resize(operands.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      gradients_[wanted[i]] = grads[i];
    }
  }

  /// The forward step in the draft; notes the results of costly nodes.
  Values replay(const Values& operands) {
    Values mapped(body_.value_count());
    for (std::size_t i = 0; i < operands.size(); ++i) {
      mapped[body_.parameters()[i]] = operands[i];
    }
    Graph& draft = draft_.graph();
    for (const Node& node : body_.nodes()) {
      if (node.op == Op::parameter) continue;
      Values inputs;
      for (const ValueId id : node.inputs) inputs.push_back(mapped[id]);
      const OriginScope scope(draft, node.origin);
      const Values results = draft.add(node.op, inputs, node.attrs);
      for (std::size_t i = 0; i < results.size(); ++i) {
        mapped[node.outputs[i]] = results[i];
        if (is_costly(node.op)) {
          sources_[results[i].id()] = {Value(), node.outputs[i]};
        }
      }
    }
    Values results;
    for (const ValueId id : body_.outputs()) results.push_back(mapped[id]);
    return results;
  }

  /// The gradient of a weight is a sum of small products, as a rule; one large
  /// product is faster and needs no running sum.
  void find_products() {
    const Graph& draft = draft_.graph();
    for (std::size_t i = captured_; i < gradients_.size(); ++i) {
      if (!gradients_[i]) continue;
      const Node& node = draft.node(draft.producer(gradients_[i].id()));
      if (node.op == Op::matmul && gradients_[i].rank() == 2 &&
          node.attrs.flag("transpose_a") && !node.attrs.flag("transpose_b")) {
        products_.push_back({i, node.inputs[0], node.inputs[1]});
      } else {
        summed_.push_back(i);
      }
    }
  }

  /// Walks back from the results of the backward step to what is there before.
  void find_needed() {
    const Graph& draft = draft_.graph();
    needed_.assign(draft.value_count(), false);
    std::vector<bool> in_products(gradients_.size(), false);
    for (const Product& product : products_) {
      in_products[product.operand] = true;
      needed_[product.a] = true;
      needed_[product.b] = true;
    }
    for (std::size_t i = 0; i < gradients_.size(); ++i) {
      if (gradients_[i] && !in_products[i]) {
        needed_[gradients_[i].id()] = true;
      }
    }
    live_.assign(draft.nodes().size(), false);
    for (std::size_t i = live_.size(); i-- > 0;) {
      const Node& node = draft.nodes()[i];
      for (const ValueId id : node.outputs) {
        live_[i] = live_[i] || (needed_[id] && !sources_.contains(id));
      }
      if (!live_[i]) continue;
      for (const ValueId id : node.inputs) needed_[id] = true;
    }
  }

  void scan_forward_again() {
    const auto more = std::make_shared<Graph>(body_);
    Values results = body_.output_values();
    for (Value& value : results) value = more->value(value.id());
    std::vector<ValueId> drafted;
    for (std::size_t id = 0; id < needed_.size(); ++id) {
      const auto source = sources_.find(static_cast<ValueId>(id));
      if (!needed_[id] || source == sources_.end()) continue;
      if (source->second.stacked) continue;
      drafted.push_back(source->first);
      results.push_back(more->value(source->second.forward));
    }
    if (drafted.empty()) return;
    more->set_outputs(results);
    Attrs attrs = args_.attrs;
    attrs.set("body", std::shared_ptr<const Graph>(more));
    const Values stacked = graph_.add(Op::scan, args_.inputs, attrs);
    for (std::size_t i = 0; i < drafted.size(); ++i) {
      sources_[drafted[i]].stacked = stacked[args_.outputs.size() + i];
    }
  }

  Values scan_backward();
  void copy_live(Values& mapped);

  const GradientArgs& args_;
  Graph& graph_;
  const Graph& body_;
  std::size_t carries_;
  std::size_t captured_;  // the first captured operand
  SubgraphBuilder draft_;
  SubgraphBuilder step_;

  // Of the draft:
  std::unordered_map<ValueId, Source> sources_;
  Values captured_parameters_;
  std::vector<ValueId> carry_grads_;  // of the floating carries
  Values gradients_;  // by operand; empty where none flows or is wanted
  std::vector<Product> products_;
  std::vector<std::size_t> summed_;  // captured operands, summed up in a carry
  std::vector<bool> needed_;         // by value
  std::vector<bool> live_;           // by node
};

void ScanGradient::copy_live(Values& mapped) {
  const Graph& draft = draft_.graph();
  Graph& step = step_.graph();
  for (std::size_t i = 0; i < live_.size(); ++i) {
    const Node& node = draft.nodes()[i];
    if (!live_[i] || node.op == Op::parameter) continue;
    Values inputs;
    for (const ValueId id : node.inputs) inputs.push_back(mapped[id]);
    const OriginScope scope(step, node.origin);
    const Values results = step.add(node.op, inputs, node.attrs);
    for (std::size_t j = 0; j < results.size(); ++j) {
      Value& value = mapped[node.outputs[j]];
      if (!value) value = results[j];
    }
  }
}

Values ScanGradient::scan_backward() {
  Values mapped(draft_.graph().value_count());  // from the draft to the step
  Values init;
  Values xs;
  Values captured;
  std::size_t next = 0;
  for (std::size_t i = 0; i < carries_; ++i) {
    if (!is_floating_operand(i)) continue;
    init.push_back(
        args_.grads[i] ? args_.grads[i] : ops::zeros_like(args_.inputs[i]));
    mapped[carry_grads_[next++]] =
        step_.parameter(type_of(args_.inputs[i]), format("dcarry_{}", i));
  }
  Values sums;
  for (const std::size_t i : summed_) {
    init.push_back(ops::zeros_like(args_.inputs[i]));
    sums.push_back(
        step_.parameter(type_of(args_.inputs[i]), format("sum_{}", i)));
  }
  for (std::size_t id = 0; id < needed_.size(); ++id) {
    const auto source = sources_.find(static_cast<ValueId>(id));
    if (!needed_[id] || source == sources_.end()) continue;
    xs.push_back(source->second.stacked);
    mapped[id] = step_.parameter(
        draft_.graph().type(source->first), format("x_{}", xs.size() - 1));
  }
  for (std::size_t i = 0; i < captured_parameters_.size(); ++i) {
    const Value& parameter = captured_parameters_[i];
    if (!needed_[parameter.id()]) continue;
    captured.push_back(args_.inputs[captured_ + i]);
    mapped[parameter.id()] = step_.parameter(
        type_of(parameter), format("captured_{}", captured.size() - 1));
  }
  copy_live(mapped);

  // Results: the carries, then what is stacked: dx and factors of products.
  Values results;
  for (std::size_t i = 0; i < carries_; ++i) {
    if (gradients_[i]) results.push_back(mapped[gradients_[i].id()]);
  }
  for (std::size_t i = 0; i < summed_.size(); ++i) {
    results.push_back(ops::add(sums[i], mapped[gradients_[summed_[i]].id()]));
  }
  for (std::size_t i = carries_; i < captured_; ++i) {
    if (gradients_[i]) results.push_back(mapped[gradients_[i].id()]);
  }
  std::unordered_map<ValueId, std::size_t> factors;  // to the result
  for (const Product& product : products_) {
    for (const ValueId id : {product.a, product.b}) {
      if (sources_.contains(id) || factors.contains(id)) continue;
      factors[id] = results.size();
      results.push_back(mapped[id]);
    }
  }
  step_.set_outputs(results);
  Values operands = init;
  operands.insert(operands.end(), xs.begin(), xs.end());
  operands.insert(operands.end(), captured.begin(), captured.end());
  KERATIN_CHECK(step_.captured().empty(), "all captures are declared");
  const Values outputs = graph_.add(
      Op::scan,
      operands,
      {{"body", step_.finish()},
       {"carries", static_cast<std::int64_t>(init.size())},
       {"xs", static_cast<std::int64_t>(xs.size())},
       {"length", args_.attrs.integer("length")},
       {"reverse", !args_.attrs.flag("reverse")}});

  Values grads(args_.inputs.size());
  next = 0;
  for (std::size_t i = 0; i < carries_; ++i) {
    if (gradients_[i]) grads[i] = outputs[next++];
  }
  for (const std::size_t i : summed_) grads[i] = outputs[next++];
  for (std::size_t i = carries_; i < captured_; ++i) {
    if (gradients_[i]) grads[i] = outputs[next++];
  }
  // [steps, rows, columns] -> [steps * rows, columns]
  const auto tall = [&](ValueId id) {
    const auto source = sources_.find(id);
    const Value stacked = source != sources_.end() ? source->second.stacked
                                                   : outputs[factors.at(id)];
    const Shape& shape = stacked.shape();
    return ops::reshape(stacked, Shape{shape[0] * shape[1], shape[2]});
  };
  for (const Product& product : products_) {
    grads[product.operand] =
        ops::matmul(tall(product.a), tall(product.b), {.transpose_a = true});
  }
  return grads;
}

/// A branch of a cond's gradient: the gradients of its `wanted` operands.
std::shared_ptr<const Graph> branch_gradient(
    const GradientArgs& args,
    const Graph& branch,
    const std::vector<std::size_t>& wanted) {
  SubgraphBuilder builder(args.graph);
  Values operands;
  for (std::size_t i = 1; i < args.inputs.size(); ++i) {
    operands.push_back(builder.parameter(
        type_of(args.inputs[i]), format("captured_{}", i - 1)));
  }
  Values dys;
  for (const Value& grad : args.grads) {
    dys.push_back(
        grad ? builder.parameter(type_of(grad), format("dy_{}", dys.size()))
             : Value());
  }
  const Values results = inline_graph(builder.graph(), branch, operands);
  Values xs;
  for (const std::size_t i : wanted) xs.push_back(operands[i - 1]);
  builder.set_outputs(vjp(results, xs, dys));
  KERATIN_CHECK(builder.captured().empty(), "all captures are declared");
  return builder.finish();
}

}  // namespace

namespace rules {

std::vector<Value> gradient_scan(const GradientArgs& args) {
  return ScanGradient(args).run();
}

// A cond whose branches are the gradients of the branches.
std::vector<Value> gradient_cond(const GradientArgs& args) {
  std::vector<std::size_t> wanted;
  for (std::size_t i = 1; i < args.inputs.size(); ++i) {
    if (is_differentiable(args.inputs[i]) && args.wants(i)) {
      wanted.push_back(i);
    }
  }
  Values operands = args.inputs;
  for (const Value& grad : args.grads) {
    if (grad) operands.push_back(grad);
  }
  const Values results = args.graph.add(
      Op::cond,
      operands,
      {{"if_true", branch_gradient(args, args.attrs.graph("if_true"), wanted)},
       {"if_false",
        branch_gradient(args, args.attrs.graph("if_false"), wanted)}});
  Values grads(args.inputs.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) grads[wanted[i]] = results[i];
  return grads;
}

std::vector<Value> gradient_while_loop(const GradientArgs& args) {
  if (args.attrs.integer("max_iterations") < 0) {
    fail(
        who(args.inputs[0], "while_loop"),
        "has no gradient without max_iterations; give the bound");
  }
  return gradient_through(
      bounded_loop(args.graph, args.attrs, args.inputs), args);
}

}  // namespace rules

}  // namespace keratin
