#include <cctype>
#include <string>

#include "src/core/format.hpp"
#include "src/ir/op_info.hpp"
#include "src/ir/text.hpp"

namespace keratin {

namespace {

/// Constants up to this size are printed as numbers, larger ones as bytes.
constexpr std::int64_t kPrintedElements = 16;

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

/// Reads back as a number with a fraction, not as an integer.
std::string number(double value) {
  std::string text = format("{}", value);
  if (text.find_first_of(".ein") == std::string::npos) text += ".0";
  return text;
}

std::string ints(const Ints& values) {
  std::string out = "[";
  for (std::size_t i = 0; i < values.size(); ++i) {
    out += format("{}{}", i == 0 ? "" : ", ", values[i]);
  }
  return out + "]";
}

std::string hex(const Tensor& tensor) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const auto* bytes = static_cast<const unsigned char*>(tensor.raw());
  std::string out;
  out.reserve(2 * tensor.size_bytes());
  for (std::size_t i = 0; i < tensor.size_bytes(); ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

bool exact_as_double(DType dtype) {
  return dtype != DType::i64 && dtype != DType::u64;
}

std::string tensor(const Tensor& value) {
  const std::string type = ValueType{value.dtype(), value.shape()}.str();
  if (value.size() > kPrintedElements || !exact_as_double(value.dtype())) {
    return format("tensor({}, x\"{}\")", type, hex(value));
  }
  std::string out = format("tensor({}", type);
  for (std::int64_t i = 0; i < value.size(); ++i) {
    out += format(", {}", number(value.at(i)));
  }
  return out + ")";
}

class Printer {
 public:
  std::string graph(const Graph& g, const std::string& indent) {
    std::string out = "graph {\n";
    const std::string inner = indent + "  ";
    for (const Node& node : g.nodes()) out += inner + line(g, node, inner);
    out += inner + "return";
    for (std::size_t i = 0; i < g.outputs().size(); ++i) {
      out += format("{} %{}", i == 0 ? "" : ",", g.outputs()[i]);
    }
    return out + "\n" + indent + "}";
  }

 private:
  std::string line(
      const Graph& g, const Node& node, const std::string& indent) {
    std::string out;
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      out += format("{}%{}", i == 0 ? "" : ", ", node.outputs[i]);
    }
    if (!node.outputs.empty()) out += " = ";
    out += op_name(node.op);
    out += arguments(node);
    out += attributes(node, indent);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      out += i == 0 ? " : " : ", ";
      out += g.type(node.outputs[i]).str();
    }
    out += origin(node.origin);
    return out + "\n";
  }

  // " @dense_1", of a gradient " @@dense_1".
  static std::string origin(const Origin& origin) {
    if (origin == Origin{}) return "";
    std::string text = origin.backward ? " @@" : " @";
    text += origin.layer.empty() ? "\"\"" : quote_layer(origin.layer);
    return text;
  }

  static std::string quote_layer(const std::string& layer) {
    for (const char c : layer) {
      const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                         c == '_' || c == '/' || c == '.' || c == '-' ||
                         c == ':';
      if (!plain) return quote(layer);
    }
    return layer;
  }

  static std::string arguments(const Node& node) {
    std::string out = "(";
    if (node.op == Op::parameter) {
      out += quote(node.attrs.get<std::string>("name"));
    }
    if (node.op == Op::read || node.op == Op::assign) {
      out += quote(node.attrs.get<Variable>("variable").path());
      if (!node.inputs.empty()) out += ", ";
    }
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      out += format("{}%{}", i == 0 ? "" : ", ", node.inputs[i]);
    }
    return out + ")";
  }

  std::string attributes(const Node& node, const std::string& indent) {
    const bool in_arguments = node.op == Op::parameter || node.op == Op::read ||
                              node.op == Op::assign;
    if (in_arguments || node.attrs.entries().empty()) return "";
    std::string out = " {";
    bool first = true;
    for (const auto& [name, attr] : node.attrs.entries()) {
      if (!first) out += ", ";
      first = false;
      out += name + "=" + attribute(attr, indent);
    }
    return out + "}";
  }

  std::string attribute(const Attr& attr, const std::string& indent) {
    struct Visitor {
      Printer& printer;
      const std::string& indent;

      std::string operator()(bool v) const { return v ? "true" : "false"; }

      std::string operator()(std::int64_t v) const { return format("{}", v); }

      std::string operator()(double v) const { return number(v); }

      std::string operator()(const std::string& v) const { return quote(v); }

      std::string operator()(const Ints& v) const { return ints(v); }

      std::string operator()(DType v) const {
        return std::string(short_name(v));
      }

      std::string operator()(const Tensor& v) const { return tensor(v); }

      std::string operator()(const Variable& v) const {
        return "variable(" + quote(v.path()) + ")";
      }

      std::string operator()(const std::shared_ptr<const Graph>& v) const {
        return printer.graph(*v, indent);
      }
    };

    return std::visit(Visitor{*this, indent}, attr);
  }
};

}  // namespace

std::string print(const Graph& graph) {
  return Printer().graph(graph, "") + "\n";
}

}  // namespace keratin
