// Keras's operations that pick elements: x[key], by indices, in order.

#include <algorithm>

#include "layers/base/operation_table.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

using Results = std::vector<Value>;

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

// -- by arrays of indices
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
    {"GetItem", "numpy", "{}", get_item},
    {"Sort", "numpy", R"({"axis": -1})", sort},
    {"Take", "numpy", R"({"axis": null})", take},
    {"TakeAlongAxis", "numpy", R"({"axis": null})", take_along_axis},
    {"TopK", "math", R"({"k": null, "sorted": true})", top_k},
};

}  // namespace

std::span<const Operation> indexing_operations() {
  return kOperations;
}

}  // namespace keratin
