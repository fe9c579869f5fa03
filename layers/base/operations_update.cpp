// Keras's operations that put values at places: scattering, segments, choices.

#include <algorithm>
#include <limits>

#include "layers/base/operation_table.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

using Results = std::vector<Value>;

constexpr const char* kNone = "{}";
constexpr const char* kSegments = R"({"num_segments": null, "sorted": false})";

Value whole(const Value& indices) {
  return ops::cast(indices, DType::i32);
}

// -- scattering
// ----------------------------------------------------------------------

/// indices [n, k] and updates [n, rest...] added into zeros of a shape.
Value scattered(
    const OperationCall& call,
    const Value& indices,
    const Value& updates,
    const Shape& shape) {
  if (indices.rank() != 2) {
    call.fail(format("expected indices [n, k], got {}", indices.shape()));
  }
  const auto k = static_cast<std::size_t>(indices.shape()[1]);
  if (k == 0 || k > shape.rank() || updates.rank() != shape.rank() - k + 1) {
    call.fail(format(
        "expected indices [n, k] and updates [n, ...] for {}, got {} and {}",
        shape,
        indices.shape(),
        updates.shape()));
  }
  std::int64_t rows = 1;
  Value flat;
  for (std::size_t i = k; i-- > 0;) {
    const auto at = static_cast<std::int64_t>(i);
    const Value index =
        ops::squeeze(ops::slice_axis(whole(indices), 1, at, at + 1), {1});
    const Value part = index * static_cast<double>(rows);
    flat = flat ? flat + part : part;
    rows *= shape[i];
  }
  std::vector<std::int64_t> dims = {rows};
  dims.insert(
      dims.end(),
      shape.dims().begin() + static_cast<std::ptrdiff_t>(k),
      shape.dims().end());
  return ops::reshape(ops::scatter_add(flat, updates, Shape(dims)), shape);
}

Results scatter(const OperationCall& call) {
  call.expect_operands(2);
  return {scattered(call, call.tensor(0), call.tensor(1), call.shape("shape"))};
}

/// Where several updates meet, Keras has one of them and we their sum.
Results scatter_update(const OperationCall& call) {
  call.expect_operands(3);
  const Value x = call.tensor();
  const Value updates = ops::cast(call.tensor(2), x.dtype());
  const Value put = scattered(call, call.tensor(1), updates, x.shape());
  if (call.given("reduction")) {
    if (call.text("reduction") != "add") {
      call.fail(format(
          "reduction: expected null or \"add\", got \"{}\"",
          call.text("reduction")));
    }
    return {x + put};
  }
  const Value ones = ops::cast(ops::ones_like(updates), DType::f32);
  const Value hits = scattered(call, call.tensor(1), ones, x.shape());
  return {ops::where(ops::greater(hits, 0.0), put, x)};
}

/// The updates lie wholly inside, as TensorFlow moves them.
Results slice_update(const OperationCall& call) {
  call.expect_operands(3);
  const Value x = call.tensor();
  const Value updates = ops::cast(call.tensor(2), x.dtype());
  const Config* start = call.constant(1);
  if (start == nullptr) call.fail("expected constant start_indices");
  ops::Ints low = start->as_ints();
  if (low.size() != x.rank() || updates.rank() != x.rank()) {
    call.fail(format(
        "expected start_indices and updates of rank {}, got {} and {}",
        x.rank(),
        low.size(),
        updates.shape()));
  }
  ops::Ints high;
  for (std::size_t i = 0; i < low.size(); ++i) {
    const std::int64_t room = x.shape()[i] - updates.shape()[i];
    if (room < 0) {
      call.fail(format(
          "expected updates within {}, got {}", x.shape(), updates.shape()));
    }
    low[i] = std::clamp<std::int64_t>(low[i], 0, room);
    high.push_back(room - low[i]);
  }
  const Value inside =
      ops::pad(ops::cast(ops::ones_like(updates), DType::f32), low, high);
  return {
      ops::where(ops::greater(inside, 0.0), ops::pad(updates, low, high), x)};
}

// -- segments
// -----------------------------------------------------------------------

/// Data [n, ...], whose rows belong to the segments that their ids name; other
/// ids to none.
struct Segments {
  Value data;
  Value inside;  // bool [n, segments, 1...]

  /// f over the rows of each segment, `neutral` elsewhere.
  template <Value (*f)(const Value&, const ops::Axes&, bool)>
  Value reduce(double neutral) const {
    const Value each = ops::expand_dims(data, 1);
    const Value other = ops::scalar_like(data, neutral);
    return f(ops::where(inside, each, other), {0}, false);
  }
};

Segments segments(const OperationCall& call) {
  call.expect_operands(2);
  if (!call.given("num_segments")) {
    call.fail("num_segments: expected a number, on which the shape depends");
  }
  const Value data = call.tensor(0);
  const Value ids = whole(call.tensor(1));
  if (ids.rank() != 1 || data.rank() < 1) {
    call.fail(format("expected ids [n], got {}", ids.shape()));
  }
  const std::int64_t count = call.place("num_segments");
  const Value number = ops::iota(call.graph(), {1, count}, 1, DType::i32);
  std::vector<std::int64_t> dims(data.rank() + 1, 1);
  dims[0] = ids.shape()[0];
  dims[1] = count;
  const Value inside = ops::equal(ops::expand_dims(ids, 1), number);
  return {data, ops::reshape(inside, Shape(std::move(dims)))};
}

Results segment_sum(const OperationCall& call) {
  return {segments(call).reduce<ops::sum>(0)};
}

Results segment_prod(const OperationCall& call) {
  return {segments(call).reduce<ops::prod>(1)};
}

/// A segment without rows has the least or the largest number that there is.
template <Value (*f)(const Value&, const ops::Axes&, bool), int sign>
Results segment_extreme(const OperationCall& call) {
  const Segments in = segments(call);
  if (in.data.dtype() != DType::f32) {
    call.fail(format("expected float32, got {}", in.data.dtype()));
  }
  return {in.reduce<f>(sign * double{std::numeric_limits<float>::max()})};
}

// -- choices
// ------------------------------------------------------------------------

/// The first choice whose condition holds.
Results select(const OperationCall& call) {
  call.expect_operands(3);
  const std::vector<Value> conditions = call.list(0);
  const std::vector<Value> choices = call.list(1);
  if (conditions.size() != choices.size()) {
    call.fail(format(
        "expected as many choices as conditions, got {} and {}",
        choices.size(),
        conditions.size()));
  }
  Value y = ops::cast(call.tensor(2), choices[0].dtype());
  for (std::size_t i = choices.size(); i-- > 0;) {
    y = ops::where(ops::cast(conditions[i], DType::boolean), choices[i], y);
  }
  return {y};
}

/// Overlapping pieces of the last axis: [..., pieces, length].
Results extract_sequences(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  const std::int64_t length = call.place("sequence_length");
  const std::int64_t stride = call.place("sequence_stride");
  if (x.rank() == 0 || length < 1 || stride < 1) {
    call.fail(format(
        "expected a length and a stride >= 1 and rank >= 1, got {}, {} and {}",
        length,
        stride,
        x.shape()));
  }
  const std::int64_t size = x.shape().back();
  const std::int64_t count = size < length ? 0 : (size - length) / stride + 1;
  const Shape shape{count, length};
  const Value first = ops::iota(call.graph(), shape, 0, DType::i32);
  const Value at = first * static_cast<double>(stride) +
                   ops::iota(call.graph(), shape, 1, DType::i32);
  return {ops::take(x, at, static_cast<std::int64_t>(x.rank()) - 1)};
}

constexpr Operation kOperations[] = {
    {"ExtractSequences",
     "math",
     R"({"sequence_length": null, "sequence_stride": null})",
     extract_sequences},
    {"Scatter", "core", R"({"shape": null})", scatter},
    {"ScatterUpdate", "core", R"({"reduction": null})", scatter_update},
    {"SegmentMax", "math", kSegments, segment_extreme<ops::max, -1>},
    {"SegmentMin", "math", kSegments, segment_extreme<ops::min, 1>},
    {"SegmentProd", "math", kSegments, segment_prod},
    {"SegmentSum", "math", kSegments, segment_sum},
    {"Select", "numpy", kNone, select},
    {"SliceUpdate", "core", kNone, slice_update},
};

}  // namespace

std::span<const Operation> update_operations() {
  return kOperations;
}

}  // namespace keratin
