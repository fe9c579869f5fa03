// Nodes of TensorFlow's graphs (TensorFlowOpLayer), as calls of the functions
// that made them.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/legacy/tf_operations.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

namespace {

struct Node {
  std::string_view op;
  std::string_view function;

  /// The names of the inputs: "" of one by position, "*" of a list as the
  /// first.
  std::vector<std::string_view> inputs = {""};
  std::vector<Renamed> attributes = {};
};

const std::vector<Node>& nodes() {
  static const std::vector<std::string_view> pair = {"", "y"};
  static const std::vector<std::string_view> axis = {"", "axis"};
  static const std::vector<Renamed> keep = {{"keep_dims", "keepdims"}};
  static const std::vector<Renamed> window = {
      {"ksize", "ksize"},
      {"strides", "strides"},
      {"padding", "padding"},
      {"data_format", "data_format"}};
  static const std::vector<Node> table = {
      {"Abs", "math.abs"},
      {"Acos", "math.acos"},
      {"Acosh", "math.acosh"},
      {"Add", "math.add", pair},
      {"AddN", "math.add_n", {"*"}},
      {"AddV2", "math.add", pair},
      {"All", "math.reduce_all", axis, keep},
      {"Any", "math.reduce_any", axis, keep},
      {"ArgMax", "math.argmax", {"", "axis"}},
      {"ArgMin", "math.argmin", {"", "axis"}},
      {"Asin", "math.asin"},
      {"Asinh", "math.asinh"},
      {"Atan", "math.atan"},
      {"Atan2", "math.atan2", {"", ""}},
      {"Atanh", "math.atanh"},
      {"AvgPool", "nn.avg_pool", {""}, window},
      {"BatchMatMul",
       "matmul",
       {"", "b"},
       {{"adj_x", "adjoint_a"}, {"adj_y", "adjoint_b"}}},
      {"BatchMatMulV2",
       "matmul",
       {"", "b"},
       {{"adj_x", "adjoint_a"}, {"adj_y", "adjoint_b"}}},
      {"BatchMatMulV3",
       "matmul",
       {"", "b"},
       {{"adj_x", "adjoint_a"}, {"adj_y", "adjoint_b"}}},
      {"BiasAdd",
       "nn.bias_add",
       {"", "bias"},
       {{"data_format", "data_format"}}},
      {"BroadcastTo", "broadcast_to", {"", "shape"}},
      {"Cast", "cast", {""}, {{"DstT", "dtype"}}},
      {"Ceil", "math.ceil"},
      {"ClipByValue",
       "clip_by_value",
       {"", "clip_value_min", "clip_value_max"}},
      {"ConcatV2", "concat", {"*", "axis"}},
      {"Conv2D",
       "nn.conv2d",
       {"", "filters"},
       {{"strides", "strides"},
        {"padding", "padding"},
        {"data_format", "data_format"},
        {"dilations", "dilations"}}},
      {"Cos", "math.cos"},
      {"Cosh", "math.cosh"},
      {"Cumsum",
       "math.cumsum",
       {"", "axis"},
       {{"exclusive", "exclusive"}, {"reverse", "reverse"}}},
      {"DepthToSpace",
       "nn.depth_to_space",
       {""},
       {{"block_size", "block_size"}, {"data_format", "data_format"}}},
      {"DivNoNan", "math.divide_no_nan", pair},
      {"Einsum", "einsum", {"*"}, {{"equation", "equation"}}},
      {"Elu", "nn.elu"},
      {"Equal", "math.equal", pair},
      {"Erf", "math.erf"},
      {"Exp", "math.exp"},
      {"ExpandDims", "expand_dims", {"", "axis"}},
      {"Expm1", "math.expm1"},
      {"Floor", "math.floor"},
      {"FloorDiv", "math.floordiv", pair},
      {"FloorMod", "math.floormod", pair},
      {"GatherV2",
       "gather",
       {"", "indices", "axis"},
       {{"batch_dims", "batch_dims"}}},
      {"Greater", "math.greater", pair},
      {"GreaterEqual", "math.greater_equal", pair},
      {"Identity", "identity"},
      {"Inv", "math.reciprocal"},
      {"IsFinite", "math.is_finite"},
      {"IsInf", "math.is_inf"},
      {"IsNan", "math.is_nan"},
      {"LRN",
       "nn.local_response_normalization",
       {""},
       {{"depth_radius", "depth_radius"},
        {"bias", "bias"},
        {"alpha", "alpha"},
        {"beta", "beta"}}},
      {"LeakyRelu", "nn.leaky_relu", {""}, {{"alpha", "alpha"}}},
      {"Less", "math.less", pair},
      {"LessEqual", "math.less_equal", pair},
      {"Log", "math.log"},
      {"Log1p", "math.log1p"},
      {"LogSoftmax", "nn.log_softmax"},
      {"LogicalAnd", "math.logical_and", pair},
      {"LogicalNot", "math.logical_not"},
      {"LogicalOr", "math.logical_or", pair},
      {"MatMul",
       "matmul",
       {"", "b"},
       {{"transpose_a", "transpose_a"}, {"transpose_b", "transpose_b"}}},
      {"Max", "math.reduce_max", axis, keep},
      {"MaxPool", "nn.max_pool", {""}, window},
      {"Maximum", "math.maximum", pair},
      {"Mean", "math.reduce_mean", axis, keep},
      {"Min", "math.reduce_min", axis, keep},
      {"Minimum", "math.minimum", pair},
      {"MirrorPad", "pad", {"", "paddings"}, {{"mode", "mode"}}},
      {"Mul", "math.multiply", pair},
      {"Neg", "math.negative"},
      {"NotEqual", "math.not_equal", pair},
      {"OneHot",
       "one_hot",
       {"", "depth", "on_value", "off_value"},
       {{"axis", "axis"}, {"T", "dtype"}}},
      {"OnesLike", "ones_like"},
      {"Pack", "stack", {"*"}, {{"axis", "axis"}}},
      {"Pad", "pad", {"", "paddings"}},
      {"PadV2", "pad", {"", "paddings", "constant_values"}},
      {"Pow", "math.pow", pair},
      {"Prod", "math.reduce_prod", axis, keep},
      {"RealDiv", "math.truediv", pair},
      {"Reciprocal", "math.reciprocal"},
      {"Relu", "nn.relu"},
      {"Relu6", "nn.relu6"},
      {"Reshape", "reshape", {"", "shape"}},
      {"ResizeBilinear",
       "compat.v1.image.resize_bilinear",
       {"", "size"},
       {{"align_corners", "align_corners"},
        {"half_pixel_centers", "half_pixel_centers"}}},
      {"ResizeNearestNeighbor",
       "compat.v1.image.resize_nearest_neighbor",
       {"", "size"},
       {{"align_corners", "align_corners"},
        {"half_pixel_centers", "half_pixel_centers"}}},
      {"ReverseV2", "reverse", {"", "axis"}},
      {"Rint", "math.round"},
      {"Roll", "roll", {"", "shift", "axis"}},
      {"Round", "math.round"},
      {"Rsqrt", "math.rsqrt"},
      {"Select", "where", {"", "x", "y"}},
      {"SelectV2", "where", {"", "x", "y"}},
      {"Selu", "nn.selu"},
      {"Sigmoid", "math.sigmoid"},
      {"Sign", "math.sign"},
      {"Sin", "math.sin"},
      {"Sinh", "math.sinh"},
      {"Slice", "slice", {"", "begin", "size"}},
      {"Softmax", "nn.softmax"},
      {"Softplus", "math.softplus"},
      {"Softsign", "nn.softsign"},
      {"SpaceToDepth",
       "nn.space_to_depth",
       {""},
       {{"block_size", "block_size"}, {"data_format", "data_format"}}},
      {"Split", "split", {"axis", ""}, {{"num_split", "num_or_size_splits"}}},
      {"SplitV", "split", {"", "num_or_size_splits", "axis"}},
      {"Sqrt", "math.sqrt"},
      {"Square", "math.square"},
      {"SquaredDifference", "math.squared_difference", pair},
      {"Squeeze", "squeeze", {""}, {{"squeeze_dims", "axis"}}},
      {"StopGradient", "stop_gradient"},
      {"StridedSlice",
       "strided_slice",
       {"", "begin", "end", "strides"},
       {{"begin_mask", "begin_mask"},
        {"end_mask", "end_mask"},
        {"ellipsis_mask", "ellipsis_mask"},
        {"new_axis_mask", "new_axis_mask"},
        {"shrink_axis_mask", "shrink_axis_mask"}}},
      {"Sub", "math.subtract", pair},
      {"Sum", "math.reduce_sum", axis, keep},
      {"Tan", "math.tan"},
      {"Tanh", "math.tanh"},
      {"Tile", "tile", {"", "multiples"}},
      {"TopKV2", "math.top_k", {"", "k"}, {{"sorted", "sorted"}}},
      {"Transpose", "transpose", {"", "perm"}},
      {"Unpack", "unstack", {""}, {{"num", "num"}, {"axis", "axis"}}},
      {"ZerosLike", "zeros_like"},
  };
  return table;
}

/// The text that JSON carries bytes in.
std::string from_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;  // "=" fills up
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  return out;
}

Config integer(const Config& item) {
  if (!item.is_string()) return item;
  return static_cast<std::int64_t>(std::stoll(item.as_string()));
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

/// {"b": true}, {"i": "2"}, {"type": "DT_FLOAT"}: an attribute's value.
Config attribute(const Config& node, std::string_view name) {
  const Config value = node.get("attr").get(name);
  for (const auto& [kind, item] :
       value.is_object() ? value.as_object() : Config::Object()) {
    if (kind == "i") return integer(item);
    if (kind == "s") return from_base64(item.as_string());
    if (kind == "type") return dtype_name(item);
    if (kind == "list") {
      const Config items = item.get("i");
      if (!items.is_array()) return {};
      Config out = Config::array();
      for (const Config& each : items.as_array()) out.push_back(integer(each));
      return out;
    }
    if (kind == "b" || kind == "f") return item;
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

/// The call of the function that made the node.
TfCall call_of(
    const Node& known,
    const Config& node,
    const std::vector<Config>& operands,
    const TfPlace& place) {
  const bool list = known.inputs[0] == "*";
  const std::size_t others = known.inputs.size() - 1;
  if (operands.size() < others + 1 || (!list && operands.size() > others + 1)) {
    refuse(place, format("has {} operands", operands.size()));
  }
  TfCall call;
  const auto end = operands.end() - static_cast<std::ptrdiff_t>(others);
  if (list) call.args.push_back(Config(Config::Array(operands.begin(), end)));
  for (std::size_t i = list ? 1 : 0; i <= others; ++i) {
    const Config& operand = operands[operands.size() - others - 1 + i];
    if (known.inputs[i].empty()) {
      call.args.push_back(operand);
    } else {
      call.kwargs[known.inputs[i]] = operand;
    }
  }
  for (const Renamed& item : known.attributes) {
    call.kwargs[item.to] = attribute(node, item.from);
  }
  return call;
}

}  // namespace

std::vector<Config> node_to_keras3(
    const Config& object, const std::string& where) {
  const Config& config = object.at("config");
  Config node = config.get("node_def");
  if (node.is_string()) node = Config::parse(node.as_string(), where);
  const std::string op = node.get("op", "").as_string();
  TfPlace place = {where, object.get("name", "").as_string(), op};
  const auto known =
      std::find_if(nodes().begin(), nodes().end(), [&](const Node& item) {
        return item.op == op;
      });
  if (known == nodes().end()) refuse(place);
  std::vector<TfCall> calls;
  for (const Config& call : object.at("inbound_nodes").as_array()) {
    calls.push_back(call_of(
        *known, node, operands_of(node, call, config.get("constants")), place));
  }
  place.function = known->function;
  return substitutes(object, place, calls);
}

}  // namespace keratin::legacy
