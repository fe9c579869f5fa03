#include "src/ir/graph.hpp"

#include <algorithm>

#include <keratin/error.hpp>

#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/ir/op_info.hpp"

namespace keratin {

std::string ValueType::str() const {
  return format("{}{}", short_name(dtype), shape.str());
}

std::int64_t ValueType::size_bytes() const {
  return shape.size() * static_cast<std::int64_t>(size_of(dtype));
}

DType Value::dtype() const {
  return graph_->type(id_).dtype;
}

const Shape& Value::shape() const {
  return graph_->type(id_).shape;
}

Value Graph::parameter(const ValueType& type, std::string name) {
  if (!type.shape.is_static()) {
    throw InvalidArgument(format(
        "[parameter {}] expected a static shape, got {}", name, type.shape));
  }
  return add1(
      Op::parameter,
      {},
      {{"name", std::move(name)},
       {"dtype", type.dtype},
       {"shape", Ints(type.shape.begin(), type.shape.end())}});
}

Value Graph::constant(Tensor value) {
  return add1(Op::constant, {}, {{"value", std::move(value)}});
}

Value Graph::read(const Variable& variable) {
  for (const auto& [id, value] : reads_) {
    if (id == variable.id()) return {this, value};
  }
  // A sub-graph has no variables of its own: it captures the outer read.
  if (outer_ != nullptr) return capture(outer_->read(variable));
  const Value value = add1(Op::read, {}, {{"variable", variable}});
  reads_.emplace_back(variable.id(), value.id());
  return value;
}

void Graph::assign(const Variable& variable, const Value& value) {
  KERATIN_CHECK(outer_ == nullptr, "assign inside a sub-graph");
  const auto seen =
      std::find(assigned_.begin(), assigned_.end(), variable.id());
  KERATIN_CHECK(
      seen == assigned_.end(), "variable assigned twice in one graph");
  add(Op::assign, {value}, {{"variable", variable}});
}

std::vector<Value> Graph::add(
    Op op, const std::vector<Value>& inputs, Attrs attrs) {
  const OpInfo& info = op_info(op);
  Node node;
  node.op = op;
  node.attrs = std::move(attrs);
  node.origin = origin_;
  const std::string name = layer().empty()
                               ? format("[{}]", info.name)
                               : format("[{} @{}]", info.name, layer());
  std::vector<ValueType> types;
  node.inputs.reserve(inputs.size());
  types.reserve(inputs.size());
  for (const Value& input : inputs) {
    const Value own = resolve(input, name);
    node.inputs.push_back(own.id());
    types.push_back(values_[own.id()].type);
  }
  if (info.input_count != kVariadic &&
      inputs.size() != static_cast<std::size_t>(info.input_count)) {
    throw InvalidArgument(format(
        "{} expected {} operands, got {}",
        name,
        info.input_count,
        inputs.size()));
  }
  std::vector<ValueType> results = info.infer({op, types, node.attrs, name});
  if (op == Op::assign) {
    assigned_.push_back(node.attrs.get<Variable>("variable").id());
  }
  return append(std::move(node), std::move(results));
}

Value Graph::add1(Op op, const std::vector<Value>& inputs, Attrs attrs) {
  const std::vector<Value> results = add(op, inputs, std::move(attrs));
  KERATIN_CHECK(results.size() == 1, "a node with one result");
  return results[0];
}

std::vector<Value> Graph::append(Node node, std::vector<ValueType> types) {
  const auto id = static_cast<NodeId>(nodes_.size());
  std::vector<Value> results;
  results.reserve(types.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    const auto value = static_cast<ValueId>(values_.size());
    values_.push_back({std::move(types[i]), id, static_cast<std::int32_t>(i)});
    node.outputs.push_back(value);
    results.emplace_back(this, value);
  }
  if (node.op == Op::parameter) parameters_.push_back(node.outputs[0]);
  nodes_.push_back(std::move(node));
  return results;
}

Value Graph::resolve(const Value& value, std::string_view who) {
  if (!value) {
    throw InvalidArgument(format("{} got an empty value as operand", who));
  }
  if (&value.graph() == this) return value;
  for (Graph* g = outer_; g != nullptr; g = g->outer_) {
    if (&value.graph() == g) return capture(value);
  }
  throw InvalidArgument(
      format("{} got a value of another graph; build both in one call", who));
}

Value Graph::capture(const Value& outer_value) {
  // Values of graphs further out are captured by each graph on the way in.
  const Value from = &outer_value.graph() == outer_
                         ? outer_value
                         : outer_->capture(outer_value);
  for (const auto& [outer_id, own_id] : captured_) {
    if (outer_id == from.id()) return {this, own_id};
  }
  const Value own = parameter(
      {from.dtype(), from.shape()}, format("captured_{}", captured_.size()));
  captured_.emplace_back(from.id(), own.id());
  return own;
}

void Graph::set_outputs(const std::vector<Value>& outputs) {
  std::vector<ValueId> ids;
  ids.reserve(outputs.size());
  for (const Value& output : outputs) {
    ids.push_back(resolve(output, "[outputs]").id());
  }
  outputs_ = std::move(ids);
}

std::vector<Value> Graph::output_values() const {
  std::vector<Value> values;
  values.reserve(outputs_.size());
  for (const ValueId id : outputs_) values.push_back(value(id));
  return values;
}

std::vector<std::int32_t> Graph::use_counts() const {
  std::vector<std::int32_t> counts(values_.size(), 0);
  for (const Node& node : nodes_) {
    for (const ValueId input : node.inputs) ++counts[input];
  }
  for (const ValueId output : outputs_) ++counts[output];
  return counts;
}

std::string Graph::who(const Node& node) const {
  std::string text = format("[{}", op_name(node.op));
  if (!node.outputs.empty()) text += format(" %{}", node.outputs[0]);
  if (!node.origin.layer.empty()) text += format(" @{}", node.origin.layer);
  return text + "]";
}

}  // namespace keratin
