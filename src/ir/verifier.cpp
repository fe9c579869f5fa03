#include "src/ir/verifier.hpp"

#include <set>
#include <string>
#include <vector>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/ir/op_info.hpp"

namespace keratin {

namespace {

class Verifier {
 public:
  Verifier(const Graph& graph, std::string_view after)
      : graph_(graph), after_(after) {}

  void run() {
    std::set<std::uint64_t> read;
    std::set<std::uint64_t> assigned;
    ValueId defined = 0;
    for (const Node& node : graph_.nodes()) {
      const OpInfo& info = op_info(node.op);
      for (const ValueId input : node.inputs) {
        if (input < 0 || input >= defined) {
          fail(node, format("uses %{} before it is defined", input));
        }
      }
      check_attrs(node, info);
      check_types(node, info, defined);
      defined += static_cast<ValueId>(node.outputs.size());
      if (node.op == Op::read || node.op == Op::assign) {
        auto& seen = node.op == Op::read ? read : assigned;
        if (!seen.insert(node.attrs.get<Variable>("variable").id()).second) {
          fail(node, "touches a variable a second time");
        }
      }
    }
    for (const ValueId output : graph_.outputs()) {
      if (output < 0 || output >= defined) {
        throw InternalError(format(
            "[verify after {}] output %{} is not defined", after_, output));
      }
    }
  }

 private:
  [[noreturn]] void fail(const Node& node, const std::string& what) const {
    throw InternalError(
        format("[verify after {}] {} {}", after_, graph_.who(node), what));
  }

  void check_attrs(const Node& node, const OpInfo& info) const {
    for (const AttrSpec& spec : info.attrs) {
      const Attr* attr = node.attrs.find(spec.name);
      if (attr == nullptr) {
        fail(node, format("lacks the attribute '{}'", spec.name));
      }
      // AttrKind lists the alternatives of Attr in the same order.
      if (attr->index() != static_cast<std::size_t>(spec.kind)) {
        fail(node, format("has '{}' of another kind", spec.name));
      }
      using GraphPtr = std::shared_ptr<const Graph>;
      if (const auto* body = std::get_if<GraphPtr>(attr)) {
        if ((*body)->outer() != nullptr) {
          fail(node, format("has an open sub-graph '{}'", spec.name));
        }
        verify(**body, after_);
      }
    }
    if (node.attrs.entries().size() != info.attrs.size()) {
      fail(node, "has attributes that its op does not declare");
    }
  }

  void check_types(
      const Node& node, const OpInfo& info, ValueId defined) const {
    std::vector<ValueType> inputs;
    inputs.reserve(node.inputs.size());
    for (const ValueId id : node.inputs) inputs.push_back(graph_.type(id));
    std::vector<ValueType> expected;
    try {
      expected = info.infer({node.op, inputs, node.attrs, graph_.who(node)});
    } catch (const InvalidArgument& error) {
      fail(node, format("breaks its shape rule: {}", error.what()));
    }
    if (expected.size() != node.outputs.size()) {
      fail(node, "has another number of results than its rule");
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (node.outputs[i] != defined + static_cast<ValueId>(i)) {
        fail(node, "numbers its results out of order");
      }
      const ValueType& type = graph_.type(node.outputs[i]);
      if (type != expected[i]) {
        fail(
            node,
            format(
                "has a result {} where its rule says {}",
                type.str(),
                expected[i].str()));
      }
    }
  }

  const Graph& graph_;
  std::string_view after_;
};

}  // namespace

void verify(const Graph& graph, std::string_view after) {
  Verifier(graph, after).run();
}

}  // namespace keratin
