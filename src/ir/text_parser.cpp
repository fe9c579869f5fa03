#include <cctype>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/ir/op_info.hpp"
#include "src/ir/text.hpp"

namespace keratin {

namespace {

/// Sub-graphs nested deeper than this are refused.
constexpr int kMaxDepth = 64;

/// Recursive descent over the text that print() writes.
class Parser {
 public:
  Parser(std::string_view text, std::span<const Variable> variables)
      : text_(text) {
    for (const Variable& v : variables) variables_.emplace(v.path(), v);
  }

  Graph run() {
    Graph graph = parse_graph_block();
    if (peek() != '\0') fail("the end of the text");
    return graph;
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const {
    std::size_t line = 1;
    std::size_t column = 1;
    for (std::size_t i = 0; i < at_ && i < text_.size(); ++i) {
      if (text_[i] == '\n') {
        ++line;
        column = 1;
      } else {
        ++column;
      }
    }
    throw InvalidArgument(
        format("[parse_graph {}:{}] expected {}", line, column, expected));
  }

  char peek() {
    while (at_ < text_.size() &&
           std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
      ++at_;
    }
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(format("'{}'", c));
  }

  std::string word() {
    peek();
    const std::size_t begin = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool part = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                        c == '_' || c == '/' || c == '.' || c == '-' ||
                        c == ':' || c == '+';
      if (!part) break;
      ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string identifier() {
    std::string name = word();
    if (name.empty()) fail("a name");
    return name;
  }

  std::string quoted() {
    expect('"');
    std::string out;
    while (at_ < text_.size() && text_[at_] != '"') {
      char c = text_[at_++];
      if (c == '\\' && at_ < text_.size()) {
        c = text_[at_++];
        if (c == 'n') c = '\n';
      }
      out += c;
    }
    expect('"');
    return out;
  }

  std::int64_t integer() {
    const std::string digits = word();
    std::int64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      fail("an integer");
    }
    return value;
  }

  double floating() {
    const std::string digits = word();
    double value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      fail("a number");
    }
    return value;
  }

  Ints int_list() {
    expect('[');
    Ints values;
    if (accept(']')) return values;
    do {
      values.push_back(integer());
    } while (accept(','));
    expect(']');
    return values;
  }

  ValueType type() {
    const DType dtype = parse_dtype(identifier());
    return {dtype, Shape(int_list())};
  }

  Tensor tensor() {
    expect('(');
    const ValueType t = type();
    // A constant cannot be larger than the text that spells it.
    if (t.dtype == DType::string ||
        t.size_bytes() > static_cast<std::int64_t>(8 * text_.size())) {
      fail("a constant no larger than the text");
    }
    Tensor out(t.dtype, t.shape);
    expect(',');
    if (accept('x')) {
      const std::string digits = quoted();
      if (digits.size() != 2 * out.size_bytes()) fail("all bytes, in hex");
      auto* bytes = static_cast<unsigned char*>(out.mutable_raw());
      for (std::size_t i = 0; i < out.size_bytes(); ++i) {
        const auto [end, error] = std::from_chars(
            digits.data() + 2 * i, digits.data() + 2 * i + 2, bytes[i], 16);
        if (error != std::errc()) fail("hexadecimal bytes");
      }
    } else {
      std::vector<double> values;
      do {
        values.push_back(floating());
      } while (accept(','));
      if (static_cast<std::int64_t>(values.size()) != t.shape.size()) {
        fail(format("{} numbers", t.shape.size()));
      }
      out = Tensor(values, t.shape).cast(t.dtype);
    }
    expect(')');
    return out;
  }

  Attr attribute(AttrKind kind) {
    switch (kind) {
      case AttrKind::boolean: {
        const std::string text = identifier();
        if (text != "true" && text != "false") fail("true or false");
        return text == "true";
      }
      case AttrKind::integer:
        return integer();
      case AttrKind::number:
        return floating();
      case AttrKind::text:
        return quoted();
      case AttrKind::ints:
        return int_list();
      case AttrKind::dtype:
        return parse_dtype(identifier());
      case AttrKind::tensor:
        if (identifier() != "tensor") fail("tensor(...)");
        return tensor();
      case AttrKind::variable:
        fail("a variable among the operands");
      case AttrKind::graph:
        return std::shared_ptr<const Graph>(
            std::make_shared<Graph>(parse_graph_block()));
    }
    fail("an attribute");
  }

  Attrs attributes(const OpInfo& info) {
    Attrs attrs;
    if (!accept('{')) return attrs;
    do {
      const std::string name = identifier();
      const AttrSpec* found = nullptr;
      for (const AttrSpec& spec : info.attrs) {
        if (spec.name == name) found = &spec;
      }
      if (found == nullptr) {
        fail(format("an attribute of {}, not '{}'", info.name, name));
      }
      expect('=');
      attrs.set(name, attribute(found->kind));
    } while (accept(','));
    expect('}');
    return attrs;
  }

  Variable variable(const std::string& path, const ValueType& type) {
    const auto found = variables_.find(path);
    if (found != variables_.end()) return found->second;
    Variable made(Tensor(type.dtype, type.shape), {.name = path});
    variables_.emplace(path, made);
    return made;
  }

  using Names = std::unordered_map<std::int64_t, Value>;

  Value operand(const Names& names) {
    expect('%');
    const std::int64_t id = integer();
    const auto found = names.find(id);
    if (found == names.end()) fail(format("a defined value, not %{}", id));
    return found->second;
  }

  Graph parse_graph_block() {
    if (++depth_ > kMaxDepth) fail("sub-graphs nested less deeply");
    if (identifier() != "graph") fail("'graph'");
    expect('{');
    Graph graph;
    Names names;
    while (true) {
      std::vector<std::int64_t> results;
      if (peek() == '%') {
        do {
          expect('%');
          results.push_back(integer());
        } while (accept(','));
        expect('=');
      }
      const std::string name = identifier();
      if (name == "return" && results.empty()) break;
      statement(graph, names, name, results);
    }
    std::vector<Value> outputs;
    if (peek() == '%') {
      do {
        outputs.push_back(operand(names));
      } while (accept(','));
    }
    expect('}');
    graph.set_origin({});
    graph.set_outputs(outputs);
    --depth_;
    return graph;
  }

  void statement(
      Graph& graph,
      Names& names,
      const std::string& name,
      const std::vector<std::int64_t>& results) {
    const OpInfo* info = find_op(name);
    if (info == nullptr) fail(format("an op, not '{}'", name));
    expect('(');
    std::string label;
    std::vector<Value> inputs;
    if (peek() == '"') {
      label = quoted();
      accept(',');
    }
    if (peek() == '%') {
      do {
        inputs.push_back(operand(names));
      } while (accept(','));
    }
    expect(')');
    Attrs attrs = attributes(*info);
    std::vector<ValueType> types;
    if (accept(':')) {
      do {
        types.push_back(type());
      } while (accept(','));
    }
    graph.set_origin(origin());
    add(graph, names, *info, {label, inputs, std::move(attrs), results, types});
  }

  Origin origin() {
    if (!accept('@')) return {};
    const bool backward = accept('@');
    return {peek() == '"' ? quoted() : identifier(), backward};
  }

  struct Statement {
    std::string label;
    std::vector<Value> inputs;
    Attrs attrs;
    std::vector<std::int64_t> results;
    std::vector<ValueType> types;
  };

  void add(Graph& graph, Names& names, const OpInfo& info, Statement s) {
    if (s.results.size() != s.types.size()) fail("a type per result");
    std::vector<Value> made;
    if (info.op == Op::parameter || info.op == Op::read) {
      if (s.types.size() != 1) fail("one result");
      made = {
          info.op == Op::parameter ? graph.parameter(s.types[0], s.label)
                                   : graph.read(variable(s.label, s.types[0]))};
    } else if (info.op == Op::assign) {
      if (s.inputs.size() != 1) fail("one value to assign");
      const Value& value = s.inputs[0];
      graph.assign(variable(s.label, {value.dtype(), value.shape()}), value);
    } else {
      made = graph.add(info.op, s.inputs, std::move(s.attrs));
    }
    if (made.size() != s.results.size()) {
      fail(format("{} results of {}", made.size(), info.name));
    }
    for (std::size_t i = 0; i < made.size(); ++i) {
      const ValueType& actual = graph.type(made[i].id());
      if (actual != s.types[i]) {
        fail(format(
            "{} as the type of %{}, got {}",
            actual.str(),
            s.results[i],
            s.types[i].str()));
      }
      names[s.results[i]] = made[i];
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::unordered_map<std::string, Variable> variables_;
};

}  // namespace

Graph parse_graph(std::string_view text, std::span<const Variable> variables) {
  return Parser(text, variables).run();
}

}  // namespace keratin
