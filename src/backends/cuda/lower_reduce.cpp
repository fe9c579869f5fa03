// Reductions, argmax, softmax and the cross-entropies: groups of threads, each
// with one result.

#include <algorithm>

#include "src/backends/cuda/geometry.hpp"
#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/core/check.hpp"
#include "src/core/format.hpp"

namespace keratin::cuda {

namespace {

std::string_view functor_of(Op op) {
  switch (op) {
    case Op::reduce_sum:
      return "ReduceSum";
    case Op::reduce_mean:
      return "ReduceMean";
    case Op::reduce_prod:
      return "ReduceProd";
    case Op::reduce_max:
      return "ReduceMax";
    case Op::reduce_min:
      return "ReduceMin";
    case Op::reduce_any:
      return "ReduceAny";
    case Op::reduce_all:
      return "ReduceAll";
    default:
      KERATIN_UNREACHABLE();
  }
}

std::int64_t accumulator_bytes(Op op, DType dtype) {
  switch (op) {
    case Op::reduce_sum:
    case Op::reduce_mean:
    case Op::reduce_prod:
      return sum_bytes(dtype);
    default:
      return std::max<std::int64_t>(
          is_floating(dtype) ? 4 : 1,
          static_cast<std::int64_t>(size_of(dtype)));
  }
}

}  // namespace

Lowering lower_reduce(const LowerArgs& args) {
  const ValueType& x = args.in();
  std::vector<bool> is_reduced(x.shape.rank(), false);
  for (const std::int64_t axis : args.node.attrs.ints("axes")) {
    is_reduced[axis] = true;
  }
  const std::vector<std::int64_t> strides = x.shape.strides();
  std::vector<std::int64_t> dims[2];  // kept, reduced
  std::vector<std::int64_t> steps[2];
  std::int64_t sizes[2] = {1, 1};
  bool kept_inside = false;  // neighbouring results are neighbours in x
  for (std::size_t i = 0; i < x.shape.rank(); ++i) {
    const int which = is_reduced[i] ? 1 : 0;
    dims[which].push_back(x.shape[i]);
    steps[which].push_back(strides[i]);
    sizes[which] *= x.shape[i];
    if (x.shape[i] > 1) kept_inside = !is_reduced[i];
  }
  const std::int64_t outputs = sizes[0];
  const std::int64_t count = sizes[1];
  const int threads = threads_for(count, kept_inside ? 2 : 1);
  const std::int64_t splits = splits_for(args.target, outputs, threads, count);
  const std::string f =
      keratin::format("{}<{}>", functor_of(args.node.op), kernel_type(x.dtype));
  const std::string functors =
      "namespace $(NAME)_ {\n" + index_functor("Kept", dims[0], steps[0]) +
      index_functor("Reduced", dims[1], steps[1]) + "}\n";
  const auto sub = [&](std::string_view pattern) {
    return fill_in(
        pattern,
        {{"T", kernel_type(x.dtype)},
         {"F", f},
         {"THREADS", std::to_string(threads)},
         {"OUTPUTS", std::to_string(outputs)},
         {"COUNT", std::to_string(count)},
         {"SPLITS", std::to_string(splits)}});
  };
  Lowering lowering;
  if (outputs == 0) {
    lowering.emit = [](Emission&) {};
    return lowering;
  }
  if (splits == 1) {
    const auto whole = make_kernel(
        op_name(args.node.op),
        reduce_family(),
        functors + sub(R"(KT_KERNEL(256) $(NAME)(const $(T)* x, $(T)* y) {
  reduce_whole<$(F), $(THREADS)>(
      x, y, $(OUTPUTS), $(COUNT), $(NAME)_::Kept(), $(NAME)_::Reduced());
}
)"));
    const std::int64_t blocks = args.target.blocks(outputs, 256 / threads);
    lowering.emit = [=](Emission& at) {
      at.launch(whole, blocks, {at.in[0], at.out[0]});
    };
    return lowering;
  }
  const auto parts = make_kernel(
      keratin::format("{}_parts", op_name(args.node.op)),
      reduce_family(),
      functors + sub(R"(KT_KERNEL(256) $(NAME)(const $(T)* x, $(F)::A* parts) {
  reduce_parts<$(F), $(THREADS)>(
      x, parts, $(OUTPUTS), $(COUNT), $(SPLITS), $(NAME)_::Kept(),
      $(NAME)_::Reduced());
}
)"));
  const auto finish = make_kernel(
      keratin::format("{}_finish", op_name(args.node.op)),
      reduce_family(),
      sub(R"(KT_KERNEL(256) $(NAME)(const $(F)::A* parts, $(T)* y) {
  reduce_finish<$(F), 32>(parts, y, $(OUTPUTS), $(COUNT), $(SPLITS));
}
)"));
  lowering.scratch_bytes =
      outputs * splits * accumulator_bytes(args.node.op, x.dtype);
  const std::int64_t blocks =
      args.target.blocks(outputs * splits, 256 / threads);
  const std::int64_t finish_blocks = args.target.blocks(outputs, 256 / 32);
  lowering.emit = [=](Emission& at) {
    at.launch(parts, blocks, {at.in[0], at.scratch});
    at.launch(finish, finish_blocks, {at.scratch, at.out[0]});
  };
  return lowering;
}

Lowering lower_arg(const LowerArgs& args) {
  const AxisView axis(args.in().shape, args.node.attrs.integer("axis"));
  const int threads = threads_for(axis.size, axis.inner);
  const auto kernel = make_kernel(
      op_name(args.node.op),
      reduce_family(),
      fill_in(
          R"(KT_KERNEL(256) $(NAME)(const $(T)* x, i32* y) {
  arg_best<$(THREADS), $(LARGEST)>(x, y, $(OUTER), $(SIZE), $(INNER));
}
)",
          {{"T", kernel_type(args.in().dtype)},
           {"THREADS", std::to_string(threads)},
           {"LARGEST", args.node.op == Op::argmax ? "true" : "false"},
           {"OUTER", std::to_string(axis.outer)},
           {"SIZE", std::to_string(axis.size)},
           {"INNER", std::to_string(axis.inner)}}));
  const std::int64_t items = axis.outer * axis.inner;
  const std::int64_t blocks = args.target.blocks(items, 256 / threads);
  Lowering lowering;
  lowering.emit = [=](Emission& at) {
    if (items > 0) at.launch(kernel, blocks, {at.in[0], at.out[0]});
  };
  return lowering;
}

Lowering lower_softmax(const LowerArgs& args) {
  const AxisView axis(args.in().shape, args.node.attrs.integer("axis"));
  const int threads = threads_for(axis.size, axis.inner);
  const auto kernel = make_kernel(
      op_name(args.node.op),
      reduce_family(),
      fill_in(
          R"(KT_KERNEL(256) $(NAME)(const $(T)* x, $(T)* y) {
  softmax_rows<$(THREADS), $(LOG)>(x, y, $(OUTER), $(SIZE), $(INNER));
}
)",
          {{"T", kernel_type(args.in().dtype)},
           {"THREADS", std::to_string(threads)},
           {"LOG", args.node.op == Op::log_softmax ? "true" : "false"},
           {"OUTER", std::to_string(axis.outer)},
           {"SIZE", std::to_string(axis.size)},
           {"INNER", std::to_string(axis.inner)}}));
  const std::int64_t items = axis.size == 0 ? 0 : axis.outer * axis.inner;
  const std::int64_t blocks = args.target.blocks(items, 256 / threads);
  Lowering lowering;
  lowering.can_overwrite = [](int, int) { return true; };
  lowering.emit = [=](Emission& at) {
    if (items > 0) at.launch(kernel, blocks, {at.in[0], at.out[0]});
  };
  return lowering;
}

Lowering lower_cross_entropy(const LowerArgs& args) {
  const std::int64_t classes = args.in().shape.back();
  const std::int64_t rows = args.out().shape.size();
  const int threads = threads_for(classes, 1);
  const bool sparse = args.node.op == Op::sparse_softmax_cross_entropy;
  const auto kernel = make_kernel(
      op_name(args.node.op),
      reduce_family(),
      fill_in(
          R"(KT_KERNEL(256) $(NAME)(const $(T)* x, const $(L)* labels, $(T)* y) {
  $(KIND)_cross_entropy<$(THREADS)>(x, labels, y, $(ROWS), $(CLASSES));
}
)",
          {{"T", kernel_type(args.in().dtype)},
           {"L", kernel_type(args.in(1).dtype)},
           {"KIND", sparse ? "sparse" : "dense"},
           {"THREADS", std::to_string(threads)},
           {"ROWS", std::to_string(rows)},
           {"CLASSES", std::to_string(classes)}}));
  const std::int64_t blocks = args.target.blocks(rows, 256 / threads);
  Lowering lowering;
  lowering.emit = [=](Emission& at) {
    if (rows > 0) at.launch(kernel, blocks, {at.in[0], at.in[1], at.out[0]});
  };
  return lowering;
}

}  // namespace keratin::cuda
