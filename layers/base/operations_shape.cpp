// Keras's operations that move elements: shapes, joins, slices, indexing.

#include <algorithm>

#include "layers/base/operation_table.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

using Results = std::vector<Value>;

constexpr const char* kNone = "{}";

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

Results pad(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  if (call.text("mode") != "constant") {
    call.fail(
        format("mode: expected \"constant\", got \"{}\"", call.text("mode")));
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

/// Into equal parts, or at indices.
Results split(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  const std::int64_t axis = call.axis("axis", x);
  const std::int64_t size = x.shape()[static_cast<std::size_t>(axis)];
  ops::Ints ends;
  const Config& parts = call.argument("indices_or_sections");
  if (parts.is_int()) {
    const std::int64_t count = parts.as_int();
    if (count < 1 || size % count != 0) {
      call.fail(format("expected {} to divide {} elements", count, size));
    }
    for (std::int64_t i = 1; i <= count; ++i) ends.push_back(size / count * i);
  } else {
    ends = call.ints("indices_or_sections");
    ends.push_back(size);
  }
  Results results;
  std::int64_t begin = 0;
  for (std::int64_t end : ends) {
    end = std::clamp<std::int64_t>(end < 0 ? end + size : end, begin, size);
    results.push_back(ops::slice_axis(x, axis, begin, end));
    begin = end;
  }
  return results;
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

// -- x[key]
// ----------------------------------------------------------------------

bool is_marker(const Config& item, std::string_view name) {
  const Config* found = item.find("class_name");
  return found != nullptr && found->is_string() && found->as_string() == name;
}

/// One axis of x[key] after the other, first to last.
class Indexer {
 public:
  Indexer(const OperationCall& call, const Value& x) : call_(call), x_(x) {}

  Value run(const Config::Array& items) {
    std::int64_t used = 0;
    for (const Config& item : items) {
      used += !item.is_null() && !is_marker(item, "__ellipsis__") ? 1 : 0;
    }
    const auto rank = static_cast<std::int64_t>(x_.rank());
    if (used > rank) {
      call_.fail(format("expected at most {} indices, got {}", rank, used));
    }
    for (const Config& item : items) {
      if (is_marker(item, "__ellipsis__")) {
        axis_ += rank - used;
      } else if (item.is_null()) {
        x_ = ops::expand_dims(x_, axis_++);
      } else if (item.is_int()) {
        pick(item.as_int());
      } else if (is_marker(item, "__slice__")) {
        cut(item.at("config"));
      } else {
        call_.fail(
            "expected numbers, slices, ... and None as indices, got " +
            item.dump());
      }
    }
    return x_;
  }

 private:
  std::int64_t size() const {
    return x_.shape()[static_cast<std::size_t>(axis_)];
  }

  void pick(std::int64_t index) {
    const std::int64_t at = index < 0 ? index + size() : index;
    if (at < 0 || at >= size()) {
      call_.fail(format(
          "index {} is out of range for axis {} of {}",
          index,
          axis_,
          x_.shape()));
    }
    x_ = ops::squeeze(ops::slice_axis(x_, axis_, at, at + 1), {axis_});
  }

  /// Python's slices: bounds beyond the ends are brought back to them.
  void cut(const Config& bounds) {
    const Config step_config = bounds.get("step");
    const std::int64_t step = step_config.is_null() ? 1 : step_config.as_int();
    if (step == 0) call_.fail("expected a slice's step other than 0");
    if (step < 0) {
      cut_backwards(bounds, -step);
      return;
    }
    const std::int64_t n = size();
    const auto bound = [&](const char* key, std::int64_t missing) {
      const Config given = bounds.get(key);
      if (given.is_null()) return missing;
      const std::int64_t at = given.as_int();
      return std::clamp<std::int64_t>(at < 0 ? at + n : at, 0, n);
    };
    const std::int64_t begin = bound("start", 0);
    const std::int64_t end = std::max(begin, bound("stop", n));
    take(begin, end, step);
    ++axis_;
  }

  void cut_backwards(const Config& bounds, std::int64_t step) {
    const std::int64_t n = size();
    const auto bound = [&](const char* key, std::int64_t missing) {
      const Config given = bounds.get(key);
      if (given.is_null()) return missing;
      const std::int64_t at = given.as_int();
      return std::clamp<std::int64_t>(at < 0 ? at + n : at, -1, n - 1);
    };
    const std::int64_t from = bound("start", n - 1);
    const std::int64_t to = std::min(from, bound("stop", -1));
    // Reversed, element i is at n - 1 - i.
    x_ = ops::flip(x_, {axis_});
    take(n - 1 - from, n - 1 - to, step);
    ++axis_;
  }

  void take(std::int64_t begin, std::int64_t end, std::int64_t step) {
    if (begin == 0 && end == size() && step == 1) return;
    ops::Ints start(x_.rank(), 0);
    ops::Ints stop = x_.shape().dims();
    ops::Ints steps(x_.rank(), 1);
    const auto at = static_cast<std::size_t>(axis_);
    start[at] = begin;
    stop[at] = end;
    steps[at] = step;
    x_ = ops::slice(x_, start, stop, steps);
  }

  const OperationCall& call_;
  Value x_;
  std::int64_t axis_ = 0;
};

Results get_item(const OperationCall& call) {
  call.expect_operands(2);
  const Config* key = call.constant(1);
  if (key == nullptr) call.fail("expected a constant index");
  const Config::Array items =
      key->is_array() ? key->as_array() : Config::Array{*key};
  return {Indexer(call, call.tensor()).run(items)};
}

// -- indexing
// --------------------------------------------------------------------

Value whole(const Value& indices) {
  return is_integer(indices.dtype()) ? indices : ops::cast(indices, DType::i32);
}

Results take(const OperationCall& call) {
  call.expect_operands(2);
  Value x = call.tensor();
  if (!call.given("axis")) x = ops::reshape(x, {kUnknown});
  const std::int64_t axis = call.given("axis") ? call.axis("axis", x) : 0;
  return {ops::take(x, whole(call.tensor(1)), axis)};
}

Results take_along_axis(const OperationCall& call) {
  call.expect_operands(2);
  Value x = call.tensor();
  if (!call.given("axis")) x = ops::reshape(x, {kUnknown});
  const std::int64_t axis = call.given("axis") ? call.axis("axis", x) : 0;
  const std::int64_t size = x.shape()[static_cast<std::size_t>(axis)];
  const Value indices = whole(call.tensor(1));
  // Keras broadcasts the two over the other axes.
  Shape of_x = x.shape();
  Shape of_indices = indices.shape();
  if (of_x.rank() != of_indices.rank()) {
    call.fail(format(
        "expected indices of rank {}, got {}", x.rank(), indices.rank()));
  }
  const auto at = static_cast<std::size_t>(axis);
  const std::int64_t count = of_indices[at];
  of_indices[at] = size;
  of_x = broadcast_shapes(of_x, of_indices, "take_along_axis");
  of_indices = of_x;
  of_indices[at] = count;
  return {ops::take_along_axis(
      ops::broadcast_to(x, of_x),
      ops::broadcast_to(indices, of_indices),
      axis)};
}

Results sort(const OperationCall& call) {
  call.expect_operands(1);
  return {ops::sort(call.tensor(), call.integer("axis")).values};
}

Results argsort(const OperationCall& call) {
  call.expect_operands(1);
  return {ops::sort(call.tensor(), call.integer("axis")).indices};
}

Results top_k(const OperationCall& call) {
  call.expect_operands(1);
  const ops::SortResult result = ops::top_k(call.tensor(), call.integer("k"));
  return {result.values, result.indices};
}

constexpr Operation kOperations[] = {
    {"Argsort", "numpy", R"({"axis": -1})", argsort},
    {"BroadcastTo", "numpy", R"({"shape": null})", broadcast_to},
    {"Concatenate", "numpy", R"({"axis": 0})", concatenate},
    {"Diff", "numpy", R"({"n": 1, "axis": -1})", diff},
    {"ExpandDims", "numpy", R"({"axis": null})", expand_dims},
    {"Flip", "numpy", R"({"axis": null})", flip},
    {"GetItem", "numpy", kNone, get_item},
    {"Moveaxis", "numpy", R"({"source": null, "destination": null})", moveaxis},
    {"Pad", "numpy", R"({"pad_width": null, "mode": "constant"})", pad},
    {"Ravel", "numpy", kNone, ravel},
    {"Repeat", "numpy", R"({"repeats": null, "axis": null})", repeat},
    {"Reshape", "numpy", R"({"newshape": null})", reshape},
    {"Roll", "numpy", R"({"shift": null, "axis": null})", roll},
    {"Slice", "core", R"({"shape": null})", slice},
    {"Sort", "numpy", R"({"axis": -1})", sort},
    {"Split", "numpy", R"({"indices_or_sections": null, "axis": 0})", split},
    {"Squeeze", "numpy", R"({"axis": null})", squeeze},
    {"Stack", "numpy", R"({"axis": 0})", stack},
    {"Swapaxes", "numpy", R"({"axis1": null, "axis2": null})", swapaxes},
    {"Take", "numpy", R"({"axis": null})", take},
    {"TakeAlongAxis", "numpy", R"({"axis": null})", take_along_axis},
    {"Tile", "numpy", R"({"repeats": null})", tile},
    {"TopK", "math", R"({"k": null, "sorted": true})", top_k},
    {"Transpose", "numpy", R"({"axes": null})", transpose},
    {"Unstack", "core", R"({"num": null, "axis": 0})", unstack},
};

}  // namespace

std::span<const Operation> shape_operations() {
  return kOperations;
}

}  // namespace keratin
