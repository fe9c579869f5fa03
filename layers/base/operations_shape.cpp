// Keras's operations that move elements: shapes, joins, pieces.

#include <algorithm>

#include "layers/base/operation_table.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

using Results = std::vector<Value>;

constexpr const char* kNone = "{}";
constexpr const char* kSections = R"({"indices_or_sections": null})";

Results reshape(const OperationCall& call) {
  call.expect_operands(1);
  return {ops::reshape(call.tensor(), call.shape("newshape"))};
}

Results ravel(const OperationCall& call) {
  call.expect_operands(1);
  return {ops::reshape(call.tensor(), {kUnknown})};
}

Results transpose(const OperationCall& call) {
  call.expect_operands(1);
  return {ops::transpose(call.tensor(), call.ints("axes"))};
}

ops::Axes identity(std::size_t rank) {
  ops::Axes axes;
  for (std::size_t i = 0; i < rank; ++i) {
    axes.push_back(static_cast<std::int64_t>(i));
  }
  return axes;
}

Results swapaxes(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  ops::Axes order = identity(x.rank());
  std::swap(
      order[static_cast<std::size_t>(call.axis("axis1", x))],
      order[static_cast<std::size_t>(call.axis("axis2", x))]);
  return {ops::transpose(x, order)};
}

Results moveaxis(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  const auto rank = static_cast<std::int64_t>(x.rank());
  ops::Axes from = call.ints("source");
  ops::Axes to = call.ints("destination");
  if (from.size() != to.size()) {
    call.fail("expected as many sources as destinations");
  }
  ops::Axes order(x.rank(), -1);
  ops::Axes rest = identity(x.rank());
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] < 0) from[i] += rank;
    if (to[i] < 0) to[i] += rank;
    const auto at = std::find(rest.begin(), rest.end(), from[i]);
    if (at == rest.end() || to[i] < 0 || to[i] >= rank ||
        order[static_cast<std::size_t>(to[i])] >= 0) {
      call.fail(format("expected different axes of {}", x.shape()));
    }
    rest.erase(at);
    order[static_cast<std::size_t>(to[i])] = from[i];
  }
  auto next = rest.begin();
  for (std::int64_t& axis : order) {
    if (axis < 0) axis = *next++;
  }
  return {ops::transpose(x, order)};
}

Results broadcast_to(const OperationCall& call) {
  call.expect_operands(1);
  return {ops::broadcast_to(call.tensor(), call.shape("shape"))};
}

Results expand_dims(const OperationCall& call) {
  call.expect_operands(1);
  Value x = call.tensor();
  for (const std::int64_t axis : call.ints("axis")) {
    x = ops::expand_dims(x, axis);
  }
  return {x};
}

Results squeeze(const OperationCall& call) {
  call.expect_operands(1);
  return {ops::squeeze(call.tensor(), call.ints("axis"))};
}

Results concatenate(const OperationCall& call) {
  call.expect_operands(1);
  return {ops::concatenate(call.list(), call.integer("axis"))};
}

Results stack(const OperationCall& call) {
  call.expect_operands(1);
  return {ops::stack(call.list(), call.integer("axis"))};
}

/// hstack, vstack and dstack: along the second, first and third axis. As in
/// Keras, only hstack takes vectors.
template <std::int64_t axis>
Results joined(const OperationCall& call) {
  call.expect_operands(1);
  const std::vector<Value> parts = call.list();
  const bool vectors = axis == 1 && parts[0].rank() == 1;
  return {ops::concatenate(parts, vectors ? 0 : axis)};
}

Results dstack(const OperationCall& call) {
  call.expect_operands(1);
  std::vector<Value> parts = call.list();
  for (Value& part : parts) {
    if (part.rank() < 2) part = ops::reshape(part, {1, kUnknown});
    if (part.rank() == 2) part = ops::expand_dims(part, 2);
  }
  return {ops::concatenate(parts, 2)};
}

Results append(const OperationCall& call) {
  call.expect_operands(2);
  std::vector<Value> x = call.promoted();
  if (call.given("axis")) {
    return {ops::concatenate(x, call.integer("axis"))};
  }
  for (Value& each : x) each = ops::reshape(each, {kUnknown});
  return {ops::concatenate(x, 0)};
}

Results flip(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  const ops::Axes axes = call.ints("axis");
  return {ops::flip(x, axes.empty() ? identity(x.rank()) : axes)};
}

Results repeat(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  const std::int64_t count = call.integer("repeats");
  if (call.given("axis")) {
    return {ops::repeat(x, count, call.integer("axis"))};
  }
  return {ops::repeat(ops::reshape(x, {kUnknown}), count, 0)};
}

Results tile(const OperationCall& call) {
  call.expect_operands(1);
  Value x = call.tensor();
  ops::Ints repeats = call.ints("repeats");
  while (repeats.size() < x.rank()) repeats.insert(repeats.begin(), 1);
  while (x.rank() < repeats.size()) x = ops::expand_dims(x, 0);
  return {ops::tile(x, repeats)};
}

/// Padded with what lies at the ends, mirrored; `edge` is 1 where the element
/// at the very end is the mirror.
Value mirrored(
    const OperationCall& call,
    Value x,
    const ops::Ints& low,
    const ops::Ints& high,
    std::int64_t edge) {
  for (std::size_t i = 0; i < low.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(i);
    const std::int64_t n = x.shape()[i];
    const std::int64_t most = std::max(low[i], high[i]);
    if (most == 0) continue;
    if (most > n - edge) {
      call.fail(format(
          "pad_width: expected at most {} along axis {} of {}",
          n - edge,
          axis,
          x.shape()));
    }
    std::vector<Value> parts = {x};
    if (low[i] > 0) {
      const Value part = ops::slice_axis(x, axis, edge, edge + low[i]);
      parts.insert(parts.begin(), ops::flip(part, {axis}));
    }
    if (high[i] > 0) {
      const Value part = ops::slice_axis(x, axis, n - edge - high[i], n - edge);
      parts.push_back(ops::flip(part, {axis}));
    }
    x = ops::concatenate(parts, axis);
  }
  return x;
}

Results pad(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  const std::string& mode = call.text("mode");
  if (mode != "constant" && mode != "reflect" && mode != "symmetric") {
    call.fail(format(
        "mode: expected \"constant\", \"reflect\" or \"symmetric\", got \"{}\"",
        mode));
  }
  ops::Ints low;
  ops::Ints high;
  const Config& widths = call.argument("pad_width");
  const auto add_pair = [&](const Config& pair) {
    const ops::Ints both = pair.as_ints();
    if (both.size() != 2 || both[0] < 0 || both[1] < 0) {
      call.fail("pad_width: expected pairs of numbers >= 0; slice to crop");
    }
    low.push_back(both[0]);
    high.push_back(both[1]);
  };
  if (!widths.is_array() || widths.size() == 0) {
    call.fail("pad_width: expected pairs, got " + widths.dump());
  }
  // One pair may stand for all axes.
  const bool flat = widths.as_array()[0].is_int();
  const bool single = flat || widths.size() == 1;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (!single && i >= widths.size()) break;
    add_pair(flat ? widths : widths.as_array()[single ? 0 : i]);
  }
  if (mode != "constant") {
    return {mirrored(call, x, low, high, mode == "reflect" ? 1 : 0)};
  }
  const Config* value = call.keyword("constant_values");
  return {ops::pad(x, low, high, value == nullptr ? 0 : value->as_number())};
}

Results roll(const OperationCall& call) {
  call.expect_operands(1);
  Value x = call.tensor();
  const Shape shape = x.shape();
  const ops::Ints shifts = call.ints("shift");
  ops::Axes axes = call.ints("axis");
  const bool flat = axes.empty();
  if (flat) {
    x = ops::reshape(x, {kUnknown});
    axes = {0};
  }
  if (shifts.size() != axes.size() && shifts.size() != 1) {
    call.fail("expected one shift, or one for each axis");
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t size = x.shape()[x.shape().axis(axes[i], "roll")];
    if (size == 0) continue;
    std::int64_t shift = shifts[shifts.size() == 1 ? 0 : i] % size;
    if (shift < 0) shift += size;
    if (shift == 0) continue;
    x = ops::concatenate(
        {ops::slice_axis(x, axes[i], size - shift, size),
         ops::slice_axis(x, axes[i], 0, size - shift)},
        axes[i]);
  }
  return {flat ? ops::reshape(x, shape) : x};
}

Results diff(const OperationCall& call) {
  call.expect_operands(1);
  Value x = call.tensor();
  const std::int64_t axis = call.axis("axis", x);
  for (std::int64_t i = 0; i < call.integer("n"); ++i) {
    const std::int64_t size = x.shape()[static_cast<std::size_t>(axis)];
    if (size == 0) call.fail("expected more elements along the axis");
    x = ops::slice_axis(x, axis, 1, size) -
        ops::slice_axis(x, axis, 0, size - 1);
  }
  return {x};
}

/// At the ends of its parts, which may count from the back.
Results cut(const Value& x, std::int64_t axis, const ops::Ints& ends) {
  const std::int64_t size = x.shape()[static_cast<std::size_t>(axis)];
  Results results;
  std::int64_t begin = 0;
  for (std::int64_t end : ends) {
    end = std::clamp<std::int64_t>(end < 0 ? end + size : end, begin, size);
    results.push_back(ops::slice_axis(x, axis, begin, end));
    begin = end;
  }
  return results;
}

std::int64_t sections(const OperationCall& call, std::int64_t size) {
  const std::int64_t count = call.integer("indices_or_sections");
  if (count < 1 || count > std::max<std::int64_t>(size, 1)) {
    call.fail(
        format("indices_or_sections: expected 1 to {}, got {}", size, count));
  }
  return count;
}

/// Into equal parts, or at indices.
Results split_along(const OperationCall& call, std::int64_t axis) {
  const Value x = call.tensor();
  const std::int64_t size = x.shape()[static_cast<std::size_t>(axis)];
  ops::Ints ends;
  if (call.argument("indices_or_sections").is_int()) {
    const std::int64_t count = call.integer("indices_or_sections");
    if (count < 1 || size % count != 0) {
      call.fail(format("expected {} to divide {} elements", count, size));
    }
    for (std::int64_t i = 1; i <= count; ++i) ends.push_back(size / count * i);
  } else {
    ends = call.ints("indices_or_sections");
    ends.push_back(size);
  }
  return cut(x, axis, ends);
}

Results split(const OperationCall& call) {
  call.expect_operands(1);
  return split_along(call, call.axis("axis", call.tensor()));
}

/// vsplit, hsplit and dsplit; hsplit takes vectors, too.
template <std::int64_t axis>
Results split_at(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  const std::int64_t along = axis == 1 && x.rank() == 1 ? 0 : axis;
  if (along >= static_cast<std::int64_t>(x.rank())) {
    call.fail(format("expected rank > {}, got {}", along, x.shape()));
  }
  return split_along(call, along);
}

/// Into parts of which the first may be longer by one.
Results array_split(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  const std::int64_t axis = call.axis("axis", x);
  const std::int64_t size = x.shape()[static_cast<std::size_t>(axis)];
  const std::int64_t count = sections(call, size);
  ops::Ints ends;
  for (std::int64_t i = 1; i <= count; ++i) {
    ends.push_back(size / count * i + std::min(i, size % count));
  }
  return cut(x, axis, ends);
}

Results unstack(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  const std::int64_t axis = call.axis("axis", x);
  const std::int64_t size = x.shape()[static_cast<std::size_t>(axis)];
  if (call.given("num") && call.integer("num") != size) {
    call.fail(format("num: expected {}, got {}", size, call.integer("num")));
  }
  Results results;
  for (std::int64_t i = 0; i < size; ++i) {
    results.push_back(ops::squeeze(ops::slice_axis(x, axis, i, i + 1), {axis}));
  }
  return results;
}

/// slice(x, start, shape): Keras's ops.slice.
Results slice(const OperationCall& call) {
  call.expect_operands(2);
  const Value x = call.tensor();
  const Config* start = call.constant(1);
  if (start == nullptr) call.fail("expected a constant start");
  const ops::Ints begin = start->as_ints();
  ops::Ints end = call.ints("shape");
  if (begin.size() != x.rank() || end.size() != x.rank()) {
    call.fail(format("expected a start and a shape of rank {}", x.rank()));
  }
  for (std::size_t i = 0; i < end.size(); ++i) end[i] += begin[i];
  return {ops::slice(x, begin, end)};
}

constexpr Operation kOperations[] = {
    {"Append", "numpy", R"({"axis": null})", append},
    {"ArraySplit",
     "numpy",
     R"({"indices_or_sections": null, "axis": 0})",
     array_split},
    {"BroadcastTo", "numpy", R"({"shape": null})", broadcast_to},
    {"Concatenate", "numpy", R"({"axis": 0})", concatenate},
    {"Diff", "numpy", R"({"n": 1, "axis": -1})", diff},
    {"Dsplit", "numpy", kSections, split_at<2>},
    {"Dstack", "numpy", kNone, dstack},
    {"ExpandDims", "numpy", R"({"axis": null})", expand_dims},
    {"Flip", "numpy", R"({"axis": null})", flip},
    {"Hsplit", "numpy", kSections, split_at<1>},
    {"Hstack", "numpy", kNone, joined<1>},
    {"Moveaxis", "numpy", R"({"source": null, "destination": null})", moveaxis},
    {"Pad", "numpy", R"({"pad_width": null, "mode": "constant"})", pad},
    {"Ravel", "numpy", kNone, ravel},
    {"Repeat", "numpy", R"({"repeats": null, "axis": null})", repeat},
    {"Reshape", "numpy", R"({"newshape": null})", reshape},
    {"Roll", "numpy", R"({"shift": null, "axis": null})", roll},
    {"Slice", "core", R"({"shape": null})", slice},
    {"Split", "numpy", R"({"indices_or_sections": null, "axis": 0})", split},
    {"Squeeze", "numpy", R"({"axis": null})", squeeze},
    {"Stack", "numpy", R"({"axis": 0})", stack},
    {"Swapaxes", "numpy", R"({"axis1": null, "axis2": null})", swapaxes},
    {"Tile", "numpy", R"({"repeats": null})", tile},
    {"Transpose", "numpy", R"({"axes": null})", transpose},
    {"Unstack", "core", R"({"num": null, "axis": 0})", unstack},
    {"Vsplit", "numpy", kSections, split_at<0>},
    {"Vstack", "numpy", kNone, joined<0>},
};

}  // namespace

std::span<const Operation> shape_operations() {
  return kOperations;
}

}  // namespace keratin
