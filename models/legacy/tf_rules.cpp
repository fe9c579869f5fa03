// TensorFlow's functions whose arguments are not Keras's under other names.

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>

#include "models/legacy/tf_operations.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy::tf_rules {

namespace {

/// A keyword argument, taken out of the call; null when there is none.
Config taken(TfCall& call, std::string_view key) {
  Config value = call.kwargs.get(key);
  call.kwargs.erase(key);
  return value;
}

std::string lower(const Config& text) {
  std::string out = text.is_string() ? text.as_string() : "";
  for (char& c : out) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

/// NHWC is what Keras does, too; NCHW becomes an argument.
void settle_data_format(Substitute& to, TfCall& call) {
  const std::string format = lower(taken(call, "data_format"));
  if (format.starts_with("nc")) to.arguments["data_format"] = "channels_first";
}

/// One number for each spatial axis, of numbers for all axes as well.
Config spatial(const Config& numbers, const Config& data_format) {
  if (!numbers.is_array() || numbers.size() < 3) return numbers;
  const Config::Array& all = numbers.as_array();
  const auto begin = data_format == Config("channels_first") ? 2 : 1;
  const auto end = begin + static_cast<std::ptrdiff_t>(all.size()) - 2;
  return Config(Config::Array(all.begin() + begin, all.begin() + end));
}

void settle_window(Substitute& to, TfCall& call, const TfPlace& place) {
  settle_data_format(to, call);
  const Config padding = taken(call, "padding");
  if (!padding.is_string()) refuse(place, "is called with explicit padding");
  to.arguments["padding"] = lower(padding);
  for (const Renamed item :
       {Renamed{"ksize", "pool_size"},
        Renamed{"strides", "strides"},
        Renamed{"dilations", "dilation_rate"}}) {
    const Config value = taken(call, item.from);
    if (value.is_null()) continue;
    to.arguments[item.to] = spatial(value, to.arguments.get("data_format"));
  }
}

}  // namespace

void pool(Substitute& to, TfCall& call, const TfPlace& place) {
  settle_window(to, call, place);
  to.arguments.erase("dilation_rate");
}

void conv(Substitute& to, TfCall& call, const TfPlace& place) {
  settle_window(to, call, place);
  call.kwargs.erase("use_cudnn_on_gpu");
  for (const char* key : {"filters", "filter", "input_filter"}) {
    const Config filters = taken(call, key);
    if (!filters.is_null()) call.args.push_back(filters);
  }
}

void einsum(Substitute& to, TfCall& call, const TfPlace& place) {
  (void)to;
  const Config operands = call.args.as_array()[0];
  // tf.keras wrote of a TFOpLambda's arguments the first and those by name.
  if (!operands.is_array()) {
    refuse(place, "has an equation in the file, but not its operands");
  }
  call.args = operands;
}

void gather(Substitute& to, TfCall& call, const TfPlace& place) {
  (void)to;
  const Config batch = taken(call, "batch_dims");
  if (batch.is_null() || batch == Config(0)) return;
  refuse(place, format("is called with 'batch_dims' of {}", batch.dump()));
}

void l2_normalize(Substitute& to, TfCall& call, const TfPlace& place) {
  (void)place;
  // TensorFlow bounds the sum of squares from below, Keras its root.
  const Config epsilon = taken(call, "epsilon");
  to.arguments["epsilon"] =
      std::sqrt(epsilon.is_number() ? epsilon.as_number() : 1e-12);
}

void matmul(Substitute& to, TfCall& call, const TfPlace& place) {
  (void)place;
  const auto flag = [&](const char* transpose, const char* adjoint) {
    const bool transposed = taken(call, transpose) == Config(true);
    return (taken(call, adjoint) == Config(true)) || transposed;
  };
  const bool a = flag("transpose_a", "adjoint_a");
  const bool b = flag("transpose_b", "adjoint_b");
  if (!a && !b) return;
  to.name = "Einsum";
  to.arguments["subscripts"] =
      format("...{},...{}->...ik", a ? "ji" : "ij", b ? "kj" : "jk");
}

void norm(Substitute& to, TfCall& call, const TfPlace& place) {
  (void)place;
  const Config order = taken(call, "ord");
  if (order.is_null() || order == Config("euclidean")) return;
  to.arguments["ord"] = order;
}

void one_hot(Substitute& to, TfCall& call, const TfPlace& place) {
  (void)to;
  const Config on = taken(call, "on_value");
  const Config off = taken(call, "off_value");
  const auto is = [](const Config& value, double usual) {
    return value.is_null() || (value.is_number() && value.as_number() == usual);
  };
  if (!is(on, 1) || !is(off, 0)) refuse(place, "has other values than 1 and 0");
}

void pad(Substitute& to, TfCall& call, const TfPlace& place) {
  (void)place;
  const std::string mode = lower(taken(call, "mode"));
  if (!mode.empty()) to.arguments["mode"] = mode;
  const Config value = taken(call, "constant_values");
  if (!value.is_null() && value != Config(0) && value != Config(0.0)) {
    call.keywords["constant_values"] = value;
  }
}

/// As Keras's layer, whose methods have TensorFlow's names.
void resize(Substitute& to, TfCall& call, const TfPlace& place) {
  const Config size = taken(call, "size");
  if (!size.is_array() || size.size() != 2 || !size.as_array()[0].is_int() ||
      !size.as_array()[1].is_int()) {
    refuse(place, "is called without a constant size");
  }
  // The functions before tf.image.resize counted from the corners of pixels.
  const Config centers = taken(call, "half_pixel_centers");
  if (place.function != "image.resize" && centers != Config(true)) {
    refuse(place, "does not count from the centers of pixels");
  }
  to.arguments["height"] = size.as_array()[0];
  to.arguments["width"] = size.as_array()[1];
}

void slice(Substitute& to, TfCall& call, const TfPlace& place) {
  (void)to;
  const Config begin = taken(call, "begin");
  const Config size = taken(call, "size");
  if (!begin.is_array() || !size.is_array() || begin.size() != size.size()) {
    refuse(place, "is called without constant bounds");
  }
  Config items = Config::array();
  for (std::size_t i = 0; i < begin.size(); ++i) {
    const std::int64_t from = begin.as_array()[i].as_int();
    const std::int64_t count = size.as_array()[i].as_int();
    items.push_back(
        slice_item(from, count < 0 ? Config() : Config(from + count), {}));
  }
  call.args.push_back(std::move(items));
}

/// Sizes of the pieces as the places between them, as NumPy and Keras have it.
void split(Substitute& to, TfCall& call, const TfPlace& place) {
  const Config sizes = taken(call, "num_or_size_splits");
  if (!sizes.is_array()) {
    to.arguments["indices_or_sections"] = sizes;
    return;
  }
  Config places = Config::array();
  std::int64_t sum = 0;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    const std::int64_t size = sizes.as_array()[i].as_int();
    if (size < 0) {
      refuse(place, "leaves another size open than that of the last piece");
    }
    sum += size;
    places.push_back(sum);
  }
  to.arguments["indices_or_sections"] = std::move(places);
}

void squared_difference(Substitute& to, TfCall& call, const TfPlace& place) {
  (void)call;
  (void)place;
  to.then = "Square";
}

/// The masks of StridedSlice as Python's slices.
void strided_slice(Substitute& to, TfCall& call, const TfPlace& place) {
  (void)to;
  const Config begin = taken(call, "begin");
  const Config end = taken(call, "end");
  Config strides = taken(call, "strides");
  if (strides.is_null()) strides = Config(Config::Array(begin.size(), 1));
  if (!begin.is_array() || !end.is_array() || !strides.is_array() ||
      end.size() != begin.size() || strides.size() != begin.size()) {
    refuse(place, "is called without constant bounds");
  }
  const auto mask = [&](const char* key) {
    const Config bits = taken(call, key);
    return bits.is_int() ? bits.as_int() : 0;
  };
  const std::int64_t ellipsis = mask("ellipsis_mask");
  const std::int64_t new_axis = mask("new_axis_mask");
  const std::int64_t shrink = mask("shrink_axis_mask");
  const std::int64_t no_begin = mask("begin_mask");
  const std::int64_t no_end = mask("end_mask");
  Config items = Config::array();
  for (std::size_t i = 0; i < begin.size(); ++i) {
    const auto bit = [i](std::int64_t bits) { return (bits >> i & 1) != 0; };
    const Config& from = begin.as_array()[i];
    if (bit(ellipsis)) {
      items.push_back(Config::object(
          {{"class_name", "__ellipsis__"}, {"config", Config::object()}}));
    } else if (bit(new_axis)) {
      items.push_back(nullptr);
    } else if (bit(shrink)) {
      items.push_back(from);
    } else {
      items.push_back(slice_item(
          bit(no_begin) ? Config() : from,
          bit(no_end) ? Config() : end.as_array()[i],
          strides.as_array()[i]));
    }
  }
  call.args.push_back(std::move(items));
}

/// The condition, then x and y.
void where(Substitute& to, TfCall& call, const TfPlace& place) {
  (void)to;
  for (const char* key : {"x", "y"}) {
    const Config value = taken(call, key);
    if (value.is_null()) refuse(place, "is called without x and y");
    call.args.push_back(value);
  }
}

}  // namespace keratin::legacy::tf_rules
