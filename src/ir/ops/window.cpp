#include "src/ir/ops/window.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "src/core/format.hpp"
#include "src/ir/ops/rules.hpp"

namespace keratin {

namespace {

/// Extents and amounts beyond this are mistakes; sums of them cannot overflow.
constexpr std::int64_t kLimit = std::int64_t{1} << 40;

void check_list(
    const Ints& values,
    std::size_t spatial,
    std::int64_t least,
    std::string_view name,
    const std::string& who) {
  if (values.size() != spatial) {
    rules::fail(
        who,
        format(
            "expected {} to have one entry for each of {} spatial axes, got "
            "{}",
            name,
            spatial,
            Shape(values)));
  }
  for (const std::int64_t value : values) {
    if (value >= least && value <= kLimit) continue;
    rules::fail(who, format("expected {} >= {}, got {}", name, least, value));
  }
}

void check_window(
    const ops::Window& window, std::size_t spatial, const std::string& who) {
  check_list(window.strides, spatial, 1, "strides", who);
  check_list(window.pad_low, spatial, 0, "pad_low", who);
  check_list(window.pad_high, spatial, 0, "pad_high", who);
  check_list(window.dilation, spatial, 1, "dilation", who);
}

Ints filled(const Ints& values, std::size_t count, std::int64_t value) {
  return values.empty() ? Ints(count, value) : values;
}

}  // namespace

namespace rules {

std::vector<AttrSpec> window_attrs(std::vector<AttrSpec> more) {
  std::vector<AttrSpec> attrs = {
      {"strides", AttrKind::ints},
      {"pad_low", AttrKind::ints},
      {"pad_high", AttrKind::ints},
      {"dilation", AttrKind::ints}};
  attrs.insert(attrs.end(), more.begin(), more.end());
  return attrs;
}

Attrs to_attrs(
    const ops::Window& window, std::size_t spatial, const std::string& who) {
  const ops::Window full = {
      filled(window.strides, spatial, 1),
      filled(window.pad_low, spatial, 0),
      filled(window.pad_high, spatial, 0),
      filled(window.dilation, spatial, 1)};
  check_window(full, spatial, who);
  return {
      {"strides", full.strides},
      {"pad_low", full.pad_low},
      {"pad_high", full.pad_high},
      {"dilation", full.dilation}};
}

ops::Window window_of(const Attrs& attrs) {
  return {
      attrs.ints("strides"),
      attrs.ints("pad_low"),
      attrs.ints("pad_high"),
      attrs.ints("dilation")};
}

Ints window_output(
    const InferArgs& args, const Shape& input, const Ints& kernel) {
  const std::size_t spatial = input.rank() - 2;
  const ops::Window window = window_of(args.attrs);
  check_window(window, spatial, args.who);
  check_list(kernel, spatial, 1, "kernel size", args.who);
  Ints result;
  for (std::size_t i = 0; i < spatial; ++i) {
    const std::int64_t extent = kernel_extent(kernel[i], window.dilation[i]);
    const std::int64_t padded =
        input[i + 1] + window.pad_low[i] + window.pad_high[i];
    if (extent > padded) {
      fail(
          args,
          format(
              "kernel larger than input on spatial axis {}: {} taps at "
              "dilation {} span {}, the padded input {} has {}; use padding "
              "\"same\", a smaller kernel or a larger input",
              i,
              kernel[i],
              window.dilation[i],
              extent,
              input,
              padded));
    }
    result.push_back((padded - extent) / window.strides[i] + 1);
  }
  return result;
}

}  // namespace rules

ops::Window ops::make_window(
    const std::string& padding,
    const Ints& spatial,
    const Ints& kernel,
    const Ints& strides,
    const Ints& dilation) {
  const std::string who = "[make_window]";
  const std::size_t count = spatial.size();
  Window window = {
      filled(strides, count, 1),
      Ints(count, 0),
      Ints(count, 0),
      filled(dilation, count, 1)};
  check_list(spatial, count, 0, "input extents", who);
  check_list(kernel, count, 1, "kernel size", who);
  check_window(window, count, who);
  if (padding == "valid") return window;
  if (padding == "causal") {
    if (count != 1) {
      rules::fail(
          who,
          format(
              "expected one spatial axis for padding \"causal\", got {}",
              count));
    }
    window.pad_low[0] = rules::kernel_extent(kernel[0], window.dilation[0]) - 1;
    return window;
  }
  if (padding != "same") {
    rules::fail(
        who,
        format(
            "expected padding \"valid\", \"same\" or \"causal\", got \"{}\"",
            padding));
  }
  // TensorFlow's rule: ceil(input / stride) results, the odd element of
  // padding goes behind.
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t stride = window.strides[i];
    const std::int64_t results = (spatial[i] + stride - 1) / stride;
    const std::int64_t extent =
        rules::kernel_extent(kernel[i], window.dilation[i]);
    const std::int64_t total =
        std::max<std::int64_t>((results - 1) * stride + extent - spatial[i], 0);
    window.pad_low[i] = total / 2;
    window.pad_high[i] = total - total / 2;
  }
  return window;
}

}  // namespace keratin
