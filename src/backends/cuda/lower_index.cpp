// Gathering and scattering by indices, one-hot rows, running sums, sorting.

#include <algorithm>

#include "src/backends/cuda/geometry.hpp"
#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/core/format.hpp"

namespace keratin::cuda {

namespace {

// $(OUTER), $(SIZE), $(INNER), $(TAKEN) and $(T), $(I) of a pattern.
std::string with_axis(
    std::string_view pattern,
    const AxisView& axis,
    std::int64_t taken,
    DType type,
    DType index) {
  return fill_in(
      pattern,
      {{"T", kernel_type(type)},
       {"I", kernel_type(index)},
       {"OUTER", std::to_string(axis.outer)},
       {"SIZE", std::to_string(axis.size)},
       {"INNER", std::to_string(axis.inner)},
       {"TAKEN", std::to_string(taken)}});
}

// What the hardware adds atomically.
bool has_atomic_add(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::i32 ||
         dtype == DType::u32 || dtype == DType::u64;
}

}  // namespace

Lowering lower_take(const LowerArgs& args) {
  const AxisView axis(args.in().shape, args.node.attrs.integer("axis"));
  const bool along = args.node.op == Op::take_along_axis;
  const std::int64_t n = args.out().shape.size();
  const std::int64_t taken =
      along ? AxisView(args.out().shape, args.node.attrs.integer("axis")).size
            : args.in(1).shape.size();
  const auto kernel = make_kernel(
      op_name(args.node.op),
      index_family(),
      with_axis(
          along
              ? R"(KT_KERNEL(256) $(NAME)(const $(T)* x, const $(I)* indices, $(T)* y) {
  take_along(x, indices, y, $(OUTER), $(SIZE), $(INNER), $(TAKEN));
}
)"
              : R"(KT_KERNEL(256) $(NAME)(const $(T)* x, const $(I)* indices, $(T)* y) {
  take_rows(x, indices, y, $(OUTER), $(SIZE), $(INNER), $(TAKEN));
}
)",
          along ? AxisView(args.in().shape, args.node.attrs.integer("axis"))
                : axis,
          taken,
          args.out().dtype,
          args.in(1).dtype));
  const std::int64_t blocks = args.target.blocks(n, 256);
  Lowering lowering;
  lowering.emit = [=](Emission& at) {
    if (n > 0) at.launch(kernel, blocks, {at.in[0], at.in[1], at.out[0]});
  };
  return lowering;
}

Lowering lower_scatter(const LowerArgs& args) {
  const AxisView axis(args.node.attrs.shape(), args.node.attrs.integer("axis"));
  const bool along = args.node.op == Op::scatter_along_axis;
  const DType dtype = args.out().dtype;
  const std::int64_t cells = args.out().shape.size();
  const std::int64_t updates = args.in(1).shape.size();
  const std::int64_t columns = axis.outer * axis.inner;
  const std::int64_t taken =
      updates == 0 || columns == 0 ? 0 : updates / columns;
  const std::int64_t bytes = args.out().size_bytes();
  Lowering lowering;
  if (cells == 0 || updates == 0) {
    lowering.emit = [bytes](Emission& at) { at.zero(at.out[0], bytes); };
    return lowering;
  }
  if (!args.target.deterministic && has_atomic_add(dtype)) {
    const auto kernel = make_kernel(
        keratin::format("{}_atomic", op_name(args.node.op)),
        index_family(),
        with_axis(
            along
                ? R"(KT_KERNEL(256) $(NAME)(const $(I)* indices, const $(T)* updates, $(T)* y) {
  scatter_atomic<true>(indices, updates, y, $(OUTER), $(SIZE), $(INNER), $(TAKEN));
}
)"
                : R"(KT_KERNEL(256) $(NAME)(const $(I)* indices, const $(T)* updates, $(T)* y) {
  scatter_atomic<false>(indices, updates, y, $(OUTER), $(SIZE), $(INNER), $(TAKEN));
}
)",
            axis,
            taken,
            dtype,
            args.in(0).dtype));
    const std::int64_t blocks = args.target.blocks(updates, 256);
    lowering.emit = [=](Emission& at) {
      at.zero(at.out[0], bytes);
      at.launch(kernel, blocks, {at.in[0], at.in[1], at.out[0]});
    };
    return lowering;
  }
  const auto kernel = make_kernel(
      op_name(args.node.op),
      index_family(),
      with_axis(
          along
              ? R"(KT_KERNEL(256) $(NAME)(const $(I)* indices, const $(T)* updates, Sum<$(T)>* cells, $(T)* y) {
  scatter_columns<true>(indices, updates, cells, y, $(OUTER), $(SIZE), $(INNER), $(TAKEN));
}
)"
              : R"(KT_KERNEL(256) $(NAME)(const $(I)* indices, const $(T)* updates, Sum<$(T)>* cells, $(T)* y) {
  scatter_columns<false>(indices, updates, cells, y, $(OUTER), $(SIZE), $(INNER), $(TAKEN));
}
)",
          axis,
          taken,
          dtype,
          args.in(0).dtype));
  lowering.scratch_bytes = cells * sum_bytes(dtype);
  const std::int64_t blocks = args.target.blocks(columns, 256);
  lowering.emit = [=](Emission& at) {
    at.launch(kernel, blocks, {at.in[0], at.in[1], at.scratch, at.out[0]});
  };
  return lowering;
}

Lowering lower_one_hot(const LowerArgs& args) {
  const std::int64_t count = args.in().shape.size();
  const std::int64_t depth = args.node.attrs.integer("depth");
  const auto kernel = make_kernel(
      "one_hot",
      index_family(),
      fill_in(
          R"(KT_KERNEL(256) $(NAME)(const $(I)* indices, $(T)* y, i64 count) {
  one_hot(indices, y, count, $(DEPTH));
}
)",
          {{"T", kernel_type(args.out().dtype)},
           {"I", kernel_type(args.in().dtype)},
           {"DEPTH", std::to_string(std::max<std::int64_t>(1, depth))}}));
  const std::int64_t n = count * depth;
  const std::int64_t blocks = args.target.blocks(n, 256);
  Lowering lowering;
  lowering.emit = [=](Emission& at) {
    if (n > 0) at.launch(kernel, blocks, {at.in[0], at.out[0], count});
  };
  return lowering;
}

Lowering lower_cumsum(const LowerArgs& args) {
  const AxisView axis(args.in().shape, args.node.attrs.integer("axis"));
  const auto kernel = make_kernel(
      "cumsum",
      index_family(),
      fill_in(
          R"(KT_KERNEL(256) $(NAME)(const $(T)* x, $(T)* y) {
  running_sums<$(EXCLUSIVE), $(REVERSE)>(x, y, $(OUTER), $(SIZE), $(INNER));
}
)",
          {{"T", kernel_type(args.in().dtype)},
           {"EXCLUSIVE", args.node.attrs.flag("exclusive") ? "true" : "false"},
           {"REVERSE", args.node.attrs.flag("reverse") ? "true" : "false"},
           {"OUTER", std::to_string(axis.outer)},
           {"SIZE", std::to_string(axis.size)},
           {"INNER", std::to_string(axis.inner)}}));
  const std::int64_t lines = axis.size == 0 ? 0 : axis.outer * axis.inner;
  const std::int64_t blocks = args.target.blocks(lines, 256);
  Lowering lowering;
  lowering.can_overwrite = [](int, int) { return true; };
  lowering.emit = [=](Emission& at) {
    if (lines > 0) at.launch(kernel, blocks, {at.in[0], at.out[0]});
  };
  return lowering;
}

Lowering lower_sort(const LowerArgs& args) {
  const bool top = args.node.op == Op::top_k;
  const auto rank = static_cast<std::int64_t>(args.in().shape.rank());
  const AxisView axis(
      args.in().shape, top ? rank - 1 : args.node.attrs.integer("axis"));
  const std::int64_t kept = top ? args.node.attrs.integer("k") : axis.size;
  const auto kernel = make_kernel(
      op_name(args.node.op),
      index_family(),
      fill_in(
          R"(KT_KERNEL(256) $(NAME)(const $(T)* x, $(T)* values, i32* indices) {
  rank_lines<$(DESCENDING)>(x, values, indices, $(OUTER), $(SIZE), $(INNER), $(KEPT));
}
)",
          {{"T", kernel_type(args.in().dtype)},
           {"DESCENDING", top ? "true" : "false"},
           {"OUTER", std::to_string(axis.outer)},
           {"SIZE", std::to_string(std::max<std::int64_t>(1, axis.size))},
           {"INNER", std::to_string(std::max<std::int64_t>(1, axis.inner))},
           {"KEPT", std::to_string(kept)}}));
  const std::int64_t n = args.in().shape.size();
  const std::int64_t blocks = args.target.blocks(n, 256);
  Lowering lowering;
  lowering.emit = [=](Emission& at) {
    if (n > 0) at.launch(kernel, blocks, {at.in[0], at.out[0], at.out[1]});
  };
  return lowering;
}

}  // namespace keratin::cuda
