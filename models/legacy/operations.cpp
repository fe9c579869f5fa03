// TensorFlow's operations that tf.keras put into models, as Keras 3's.
//
// tf.keras 2.0 to 2.3 wrote a TensorFlowOpLayer with the node of TensorFlow's
// graph, later versions a TFOpLambda with the function's Python name.

#include <algorithm>
#include <string_view>
#include <vector>

#include <keratin/error.hpp>

#include "models/legacy/dialect.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

namespace {

/// What a call is made with first.
Config& first_of(Config& args, const std::string& where) {
  if (!args.is_array() || args.size() == 0) {
    throw InvalidArgument(
        format("[{}] expected a call with an argument, got none", where));
  }
  return args.as_array()[0];
}

struct Renamed {
  std::string_view from;
  std::string_view to;
};

/// How Keras 3's operation takes what TensorFlow's function took.
struct Operation {
  std::string_view function;  // without "tf."
  std::string_view module;
  std::string_view name;
  std::string_view operand = {};        // the keyword of a second operand
  std::vector<Renamed> arguments = {};  // that become arguments of the layer
};

const std::vector<Operation>& functions() {
  static const std::vector<Renamed> kReduce = {
      {"axis", "axis"}, {"keepdims", "keepdims"}};
  static const std::vector<Renamed> kAxis = {{"axis", "axis"}};
  static const std::vector<Operation> table = {
      {"__operators__.add", "numpy", "Add", "y"},
      {"broadcast_to", "numpy", "BroadcastTo", "", {{"shape", "shape"}}},
      {"cast", "core", "Cast", "", {{"dtype", "dtype"}}},
      {"clip_by_value",
       "numpy",
       "Clip",
       "",
       {{"clip_value_min", "x_min"}, {"clip_value_max", "x_max"}}},
      {"concat", "numpy", "Concatenate", "", kAxis},
      {"expand_dims", "numpy", "ExpandDims", "", kAxis},
      {"gather", "numpy", "Take", "indices", kAxis},
      {"linalg.matmul", "numpy", "Matmul", "b"},
      {"math.abs", "numpy", "Absolute"},
      {"math.acos", "numpy", "Arccos"},
      {"math.add", "numpy", "Add", "y"},
      {"math.argmax", "numpy", "Argmax", "", kAxis},
      {"math.argmin", "numpy", "Argmin", "", kAxis},
      {"math.asin", "numpy", "Arcsin"},
      {"math.atan", "numpy", "Arctan"},
      {"math.atan2", "numpy", "Arctan2", "x"},
      {"math.ceil", "numpy", "Ceil"},
      {"math.cos", "numpy", "Cos"},
      {"math.cosh", "numpy", "Cosh"},
      {"math.cumsum", "numpy", "Cumsum", "", kAxis},
      {"math.divide", "numpy", "TrueDivide", "y"},
      {"math.divide_no_nan", "numpy", "DivideNoNan", "y"},
      {"math.equal", "numpy", "Equal", "y"},
      {"math.erf", "math", "Erf"},
      {"math.exp", "numpy", "Exp"},
      {"math.expm1", "numpy", "Expm1"},
      {"math.floor", "numpy", "Floor"},
      {"math.floordiv", "numpy", "FloorDivide", "y"},
      {"math.floormod", "numpy", "Mod", "y"},
      {"math.greater", "numpy", "Greater", "y"},
      {"math.greater_equal", "numpy", "GreaterEqual", "y"},
      {"math.less", "numpy", "Less", "y"},
      {"math.less_equal", "numpy", "LessEqual", "y"},
      {"math.log", "numpy", "Log"},
      {"math.log1p", "numpy", "Log1p"},
      {"math.log_sigmoid", "nn", "LogSigmoid"},
      {"math.log_softmax", "nn", "LogSoftmax", "", kAxis},
      {"math.logical_and", "numpy", "LogicalAnd", "y"},
      {"math.logical_not", "numpy", "LogicalNot"},
      {"math.logical_or", "numpy", "LogicalOr", "y"},
      {"math.maximum", "numpy", "Maximum", "y"},
      {"math.minimum", "numpy", "Minimum", "y"},
      {"math.mod", "numpy", "Mod", "y"},
      {"math.multiply", "numpy", "Multiply", "y"},
      {"math.negative", "numpy", "Negative"},
      {"math.not_equal", "numpy", "NotEqual", "y"},
      {"math.pow", "numpy", "Power", "y"},
      {"math.reciprocal", "numpy", "Reciprocal"},
      {"math.reduce_all", "numpy", "All", "", kReduce},
      {"math.reduce_any", "numpy", "Any", "", kReduce},
      {"math.reduce_logsumexp", "math", "Logsumexp", "", kReduce},
      {"math.reduce_max", "numpy", "Max", "", kReduce},
      {"math.reduce_mean", "numpy", "Mean", "", kReduce},
      {"math.reduce_min", "numpy", "Min", "", kReduce},
      {"math.reduce_prod", "numpy", "Prod", "", kReduce},
      {"math.reduce_std", "numpy", "Std", "", kReduce},
      {"math.reduce_sum", "numpy", "Sum", "", kReduce},
      {"math.reduce_variance", "numpy", "Var", "", kReduce},
      {"math.round", "numpy", "Round"},
      {"math.rsqrt", "math", "Rsqrt"},
      {"math.sigmoid", "nn", "Sigmoid"},
      {"math.sign", "numpy", "Sign"},
      {"math.sin", "numpy", "Sin"},
      {"math.sinh", "numpy", "Sinh"},
      {"math.softplus", "nn", "Softplus"},
      {"math.sqrt", "numpy", "Sqrt"},
      {"math.square", "numpy", "Square"},
      {"math.subtract", "numpy", "Subtract", "y"},
      {"math.tan", "numpy", "Tan"},
      {"math.tanh", "numpy", "Tanh"},
      {"math.truediv", "numpy", "TrueDivide", "y"},
      {"nn.elu", "nn", "Elu"},
      {"nn.gelu", "nn", "Gelu", "", {{"approximate", "approximate"}}},
      {"nn.leaky_relu", "nn", "LeakyRelu", "", {{"alpha", "negative_slope"}}},
      {"nn.log_softmax", "nn", "LogSoftmax", "", kAxis},
      {"nn.relu", "nn", "Relu"},
      {"nn.relu6", "nn", "Relu6"},
      {"nn.selu", "nn", "Selu"},
      {"nn.sigmoid", "nn", "Sigmoid"},
      {"nn.silu", "nn", "Silu"},
      {"nn.softmax", "nn", "Softmax", "", kAxis},
      {"nn.softplus", "nn", "Softplus"},
      {"nn.softsign", "nn", "Softsign"},
      {"nn.swish", "nn", "Silu"},
      {"nn.tanh", "numpy", "Tanh"},
      {"ones_like", "numpy", "OnesLike"},
      {"repeat",
       "numpy",
       "Repeat",
       "",
       {{"repeats", "repeats"}, {"axis", "axis"}}},
      {"reshape", "numpy", "Reshape", "", {{"shape", "newshape"}}},
      {"reverse", "numpy", "Flip", "", kAxis},
      {"split",
       "numpy",
       "Split",
       "",
       {{"num_or_size_splits", "indices_or_sections"}, {"axis", "axis"}}},
      {"squeeze", "numpy", "Squeeze", "", kAxis},
      {"stack", "numpy", "Stack", "", kAxis},
      {"stop_gradient", "core", "StopGradient"},
      {"tile", "numpy", "Tile", "", {{"multiples", "repeats"}}},
      {"transpose", "numpy", "Transpose", "", {{"perm", "axes"}}},
      {"unstack", "core", "Unstack", "", {{"num", "num"}, {"axis", "axis"}}},
      {"where", "numpy", "Where"},
      {"zeros_like", "numpy", "ZerosLike"},
  };
  return table;
}

/// Names that older versions gave the same functions.
constexpr Renamed kSynonyms[] = {
    {"__operators__.mul", "math.multiply"},
    {"__operators__.pow", "math.pow"},
    {"__operators__.sub", "math.subtract"},
    {"__operators__.truediv", "math.truediv"},
    {"abs", "math.abs"},
    {"add", "math.add"},
    {"argmax", "math.argmax"},
    {"divide", "math.divide"},
    {"exp", "math.exp"},
    {"matmul", "linalg.matmul"},
    {"maximum", "math.maximum"},
    {"minimum", "math.minimum"},
    {"multiply", "math.multiply"},
    {"negative", "math.negative"},
    {"pow", "math.pow"},
    {"reduce_max", "math.reduce_max"},
    {"reduce_mean", "math.reduce_mean"},
    {"reduce_min", "math.reduce_min"},
    {"reduce_sum", "math.reduce_sum"},
    {"round", "math.round"},
    {"sigmoid", "math.sigmoid"},
    {"sign", "math.sign"},
    {"sqrt", "math.sqrt"},
    {"square", "math.square"},
    {"subtract", "math.subtract"},
    {"tanh", "math.tanh"},
};

const Operation* find_function(std::string_view name) {
  for (const Renamed& item : kSynonyms) {
    if (item.from == name) name = item.to;
  }
  for (const Operation& item : functions()) {
    if (item.function == name) return &item;
  }
  return nullptr;
}

[[noreturn]] void refuse(
    const std::string& where,
    const std::string& name,
    const std::string& function,
    const std::string& why = "has no counterpart here") {
  throw InvalidArgument(format(
      "[{}] '{}' is TensorFlow's {}, which {}; write it as a layer and "
      "register_layer it, or replace it in Python by layers of Keras's",
      where,
      name,
      function,
      why));
}

Config make(
    const Config& object,
    std::string_view module,
    std::string_view name,
    Config arguments,
    Config nodes) {
  Config config = Config::object({{"name", object.get("name")}});
  for (auto& [key, value] : arguments.as_object()) config[key] = value;
  return Config::object(
      {{"module", format("keras.src.ops.{}", module)},
       {"class_name", name},
       {"config", std::move(config)},
       {"registered_name", name},
       {"name", object.get("name")},
       {"inbound_nodes", std::move(nodes)}});
}

// -- TFOpLambda and SlicingOpLambda
// ----------------------------------------------

/// {"start", "stop", "step"} as Keras 3 writes slices.
Config index_item(const Config& item) {
  if (!item.is_object() || !item.contains("start")) return item;
  return Config::object(
      {{"class_name", "__slice__"},
       {"config",
        Config::object(
            {{"start", item.get("start")},
             {"stop", item.get("stop")},
             {"step", item.get("step")}})}});
}

Config slicing(const Config& object, const std::string& where) {
  Config nodes = Config::array();
  for (const Config& node : object.at("inbound_nodes").as_array()) {
    const Config spec = node.at("kwargs").get("slice_spec");
    Config items = Config::array();
    if (spec.is_array()) {
      for (const Config& item : spec.as_array()) {
        items.push_back(index_item(item));
      }
    } else if (!spec.is_null()) {
      items.push_back(index_item(spec));
    } else {
      throw InvalidArgument(format("[{}] expected a slice_spec", where));
    }
    Config args = node.at("args");
    Config& x = first_of(args, where);
    if (x.is_array() && x.size() == 1) {
      const Config only = x.as_array()[0];
      x = only;
    }
    args.push_back(std::move(items));
    nodes.push_back(Config::object(
        {{"args", std::move(args)}, {"kwargs", Config::object()}}));
  }
  return make(object, "numpy", "GetItem", Config::object(), std::move(nodes));
}

/// Sizes of the pieces as the places between them, as NumPy and Keras have it.
Config split_places(const Config& sizes) {
  if (!sizes.is_array()) return sizes;
  Config places = Config::array();
  std::int64_t sum = 0;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    const std::int64_t size = sizes.as_array()[i].as_int();
    if (size < 0) {
      throw InvalidArgument(format(
          "[tf.split] expected sizes, got {}: only the last may be left open",
          size));
    }
    sum += size;
    places.push_back(sum);
  }
  return places;
}

bool takes_many(std::string_view name) {
  return name == "Concatenate" || name == "Stack";
}

Config lambda(const Config& object, const std::string& where) {
  const Config config = object.at("config");
  const Config written = config.get("function");
  const std::string function = written.is_string() ? written.as_string() : "";
  const std::string name = object.get("name", "").as_string();
  if (function == "__operators__.getitem") return slicing(object, where);
  const Operation* found = find_function(function);
  if (found == nullptr) refuse(where, name, "'" + function + "'");
  Config arguments = Config::object();
  if (found->name == "Concatenate" || found->name == "Stack") {
    arguments["axis"] = 0;
  }
  if (found->name == "Argmax" || found->name == "Argmin") arguments["axis"] = 0;
  if (found->name == "Split") arguments["axis"] = 0;
  // Keras would take the whole array as one row.
  if (found->name == "Take" || found->name == "Cumsum") arguments["axis"] = 0;
  if (found->name == "Gelu") arguments["approximate"] = false;
  Config nodes = Config::array();
  for (const Config& node : object.at("inbound_nodes").as_array()) {
    Config args = node.at("args");
    Config& x = first_of(args, where);
    if (x.is_array() && x.size() == 1 && !takes_many(found->name)) {
      const Config only = x.as_array()[0];
      x = only;
    }
    if (found->name == "Where") {  // condition, then x and y
      for (const char* key : {"x", "y"}) {
        if (const Config* value = node.at("kwargs").find(key)) {
          args.push_back(*value);
        }
      }
    }
    for (const auto& [key, value] : node.at("kwargs").as_object()) {
      if (key == "name" || found->name == "Where") continue;
      if (key == found->operand) {
        args.push_back(value);
        continue;
      }
      const auto renamed = std::find_if(
          found->arguments.begin(),
          found->arguments.end(),
          [&k = key](const Renamed& item) { return item.from == k; });
      if (renamed != found->arguments.end()) {
        arguments[renamed->to] =
            renamed->to == "indices_or_sections" ? split_places(value) : value;
      } else if (!(value == Config(false)) && key != "dtype") {
        refuse(
            where,
            name,
            "'" + function + "'",
            format("is called with '{}'", key));
      }
    }
    nodes.push_back(Config::object(
        {{"args", std::move(args)}, {"kwargs", Config::object()}}));
  }
  return make(
      object,
      found->module,
      found->name,
      std::move(arguments),
      std::move(nodes));
}

// -- TensorFlowOpLayer
// --------------------------------------------------------

struct Kernel {
  std::string_view op;  // TensorFlow's
  std::string_view module;
  std::string_view name;
  int operands = 1;                // tensors or numbers
  std::string_view argument = {};  // what the constant after them is
};

constexpr Kernel kKernels[] = {
    {"Abs", "numpy", "Absolute"},
    {"Add", "numpy", "Add", 2},
    {"AddV2", "numpy", "Add", 2},
    {"ArgMax", "numpy", "Argmax", 1, "axis"},
    {"BatchMatMul", "numpy", "Matmul", 2},
    {"BatchMatMulV2", "numpy", "Matmul", 2},
    {"BiasAdd", "numpy", "Add", 2},
    {"Cast", "core", "Cast"},
    {"Cos", "numpy", "Cos"},
    {"Elu", "nn", "Elu"},
    {"Equal", "numpy", "Equal", 2},
    {"Exp", "numpy", "Exp"},
    {"ExpandDims", "numpy", "ExpandDims", 1, "axis"},
    {"Floor", "numpy", "Floor"},
    {"FloorDiv", "numpy", "FloorDivide", 2},
    {"FloorMod", "numpy", "Mod", 2},
    {"Greater", "numpy", "Greater", 2},
    {"Less", "numpy", "Less", 2},
    {"Log", "numpy", "Log"},
    {"Log1p", "numpy", "Log1p"},
    {"MatMul", "numpy", "Matmul", 2},
    {"Max", "numpy", "Max", 1, "axis"},
    {"Maximum", "numpy", "Maximum", 2},
    {"Mean", "numpy", "Mean", 1, "axis"},
    {"Min", "numpy", "Min", 1, "axis"},
    {"Minimum", "numpy", "Minimum", 2},
    {"Mul", "numpy", "Multiply", 2},
    {"Neg", "numpy", "Negative"},
    {"Pow", "numpy", "Power", 2},
    {"Prod", "numpy", "Prod", 1, "axis"},
    {"RealDiv", "numpy", "TrueDivide", 2},
    {"Reciprocal", "numpy", "Reciprocal"},
    {"Relu", "nn", "Relu"},
    {"Relu6", "nn", "Relu6"},
    {"Reshape", "numpy", "Reshape", 1, "newshape"},
    {"ReverseV2", "numpy", "Flip", 1, "axis"},
    {"Round", "numpy", "Round"},
    {"Rsqrt", "math", "Rsqrt"},
    {"Selu", "nn", "Selu"},
    {"Sigmoid", "nn", "Sigmoid"},
    {"Sign", "numpy", "Sign"},
    {"Sin", "numpy", "Sin"},
    {"Softmax", "nn", "Softmax"},
    {"Softplus", "nn", "Softplus"},
    {"Softsign", "nn", "Softsign"},
    {"Sqrt", "numpy", "Sqrt"},
    {"Square", "numpy", "Square"},
    {"Squeeze", "numpy", "Squeeze"},
    {"Sub", "numpy", "Subtract", 2},
    {"Sum", "numpy", "Sum", 1, "axis"},
    {"Tanh", "numpy", "Tanh"},
    {"Tile", "numpy", "Tile", 1, "repeats"},
    {"Transpose", "numpy", "Transpose", 1, "axes"},
};

/// {"b": true}, {"i": "2"}, {"type": "DT_FLOAT"}: an attribute's value.
Config attribute(const Config& node, std::string_view name) {
  const Config value = node.get("attr").get(name);
  for (const char* kind : {"b", "i", "f", "type"}) {
    if (const Config* item = value.find(kind)) {
      if (std::string_view(kind) == "i" && item->is_string()) {
        return static_cast<std::int64_t>(std::stoll(item->as_string()));
      }
      return *item;
    }
  }
  if (const Config* list = value.find("list")) {
    Config out = Config::array();
    const Config items = list->get("i");
    if (!items.is_array()) return {};
    for (const Config& item : items.as_array()) {
      out.push_back(
          item.is_string()
              ? Config(static_cast<std::int64_t>(std::stoll(item.as_string())))
              : item);
    }
    return out;
  }
  return {};
}

Config dtype_name(const Config& type) {
  struct Type {
    std::string_view tensorflow;
    const char* name;
  };

  constexpr Type kTypes[] = {
      {"DT_BOOL", "bool"},
      {"DT_DOUBLE", "float64"},
      {"DT_FLOAT", "float32"},
      {"DT_HALF", "float16"},
      {"DT_INT32", "int32"},
      {"DT_INT64", "int64"},
      {"DT_INT8", "int8"},
      {"DT_UINT8", "uint8"},
  };
  for (const Type& item : kTypes) {
    if (type == Config(item.tensorflow)) return item.name;
  }
  return {};
}

/// The tensors of a call and the constants between them, in TensorFlow's order.
std::vector<Config> operands_of(
    const Config& node, const Config& call, const Config& constants) {
  Config given = call.at("args");
  const Config args = first_of(given, "inbound_nodes");
  std::vector<Config> tensors;
  if (args.is_array()) {
    tensors = args.as_array();
  } else {
    tensors.push_back(args);
  }
  const Config inputs = node.get("input");
  const std::size_t count = std::max(
      inputs.size(),
      tensors.size() + (constants.is_object() ? constants.size() : 0));
  std::vector<Config> out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Config* constant =
        constants.is_object() ? constants.find(std::to_string(i)) : nullptr;
    if (constant != nullptr) {
      out.push_back(*constant);
    } else if (next < tensors.size()) {
      out.push_back(tensors[next++]);
    }
  }
  return out;
}

/// The masks of StridedSlice as Python's slices.
Config strided_slice(const Config& node, const std::vector<Config>& operands) {
  const auto bit = [&](const char* mask, std::size_t i) {
    const Config value = attribute(node, mask);
    return value.is_int() && ((value.as_int() >> i) & 1) != 0;
  };
  Config items = Config::array();
  const auto& begin = operands[1].as_array();
  for (std::size_t i = 0; i < begin.size(); ++i) {
    if (bit("ellipsis_mask", i)) {
      items.push_back(Config::object(
          {{"class_name", "__ellipsis__"}, {"config", Config::object()}}));
    } else if (bit("new_axis_mask", i)) {
      items.push_back(nullptr);
    } else if (bit("shrink_axis_mask", i)) {
      items.push_back(begin[i]);
    } else {
      items.push_back(index_item(Config::object(
          {{"start", bit("begin_mask", i) ? Config() : begin[i]},
           {"stop",
            bit("end_mask", i) ? Config() : operands[2].as_array().at(i)},
           {"step", operands[3].as_array().at(i)}})));
    }
  }
  return items;
}

Config graph_node(const Config& object, const std::string& where) {
  const Config config = object.at("config");
  Config node = config.get("node_def");
  if (node.is_string()) node = Config::parse(node.as_string(), where);
  const std::string op = node.get("op", "").as_string();
  const std::string name = object.get("name", "").as_string();
  const Config constants = config.get("constants");
  Config arguments = Config::object();
  Config nodes = Config::array();
  std::string_view module = "numpy";
  std::string_view keras;
  for (const Config& call : object.at("inbound_nodes").as_array()) {
    const std::vector<Config> operands = operands_of(node, call, constants);
    Config args = Config::array();
    if (op == "StridedSlice" && operands.size() == 4 &&
        operands[1].is_array()) {
      keras = "GetItem";
      args = Config::array({operands[0], strided_slice(node, operands)});
    } else if (op == "ConcatV2" && operands.size() > 1) {
      keras = "Concatenate";
      arguments["axis"] = operands.back();
      args.push_back(
          Config(Config::Array(operands.begin(), operands.end() - 1)));
    } else if (op == "Pack") {
      keras = "Stack";
      arguments["axis"] = attribute(node, "axis");
      args.push_back(Config(Config::Array(operands)));
    } else {
      const auto* const kernel = std::find_if(
          std::begin(kKernels), std::end(kKernels), [&](const Kernel& item) {
            return item.op == op;
          });
      if (kernel == std::end(kKernels)) refuse(where, name, "'" + op + "'");
      module = kernel->module;
      keras = kernel->name;
      const auto count = static_cast<std::size_t>(kernel->operands);
      if (operands.size() < count + (kernel->argument.empty() ? 0 : 1)) {
        refuse(where, name, "'" + op + "'", "lacks an operand");
      }
      for (std::size_t i = 0; i < count; ++i) args.push_back(operands[i]);
      if (!kernel->argument.empty()) {
        arguments[kernel->argument] = operands[count];
      }
      if (attribute(node, "keep_dims") == Config(true)) {
        arguments["keepdims"] = true;
      }
      for (const char* flag :
           {"transpose_a", "transpose_b", "adj_x", "adj_y"}) {
        if (attribute(node, flag) == Config(true)) {
          refuse(where, name, "'" + op + "'", "transposes its operands");
        }
      }
      if (op == "Cast")
        arguments["dtype"] = dtype_name(attribute(node, "DstT"));
      if (op == "Squeeze") {
        arguments["axis"] = attribute(node, "squeeze_dims");
      }
    }
    nodes.push_back(Config::object(
        {{"args", std::move(args)}, {"kwargs", Config::object()}}));
  }
  return make(object, module, keras, std::move(arguments), std::move(nodes));
}

}  // namespace

bool is_tensorflow_operation(std::string_view class_name) {
  return class_name == "TFOpLambda" || class_name == "SlicingOpLambda" ||
         class_name == "TensorFlowOpLayer";
}

Config operation_to_keras3(const Config& object, const std::string& where) {
  const std::string& name = object.at("class_name").as_string();
  try {
    return name == "TensorFlowOpLayer" ? graph_node(object, where)
                                       : lambda(object, where);
  } catch (const InvalidArgument& error) {
    const std::string text = error.what();
    if (text.starts_with("[")) throw;
    throw InvalidArgument(format("[{}] {}", where, text));
  } catch (const std::exception&) {  // a number or an index out of its range
    throw InvalidArgument(
        format("[{}] the {} is not as TensorFlow writes it", where, name));
  }
}

}  // namespace keratin::legacy
