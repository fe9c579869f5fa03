// Batch and layer normalisation by kernels of our own.

#include "src/backends/cuda/geometry.hpp"
#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/core/format.hpp"

namespace keratin::cuda {

namespace {

// Rows and channels of x, and how a sum over the rows is cut.
struct Rows {
  std::int64_t rows = 1;
  std::int64_t channels = 0;
  std::int64_t splits = 1;
  std::int64_t part_bytes = 4;  // of one number in parts

  explicit Rows(const LowerArgs& args) {
    const Shape& x = args.in().shape;
    channels = x.back();
    for (std::size_t i = 0; i + 1 < x.rank(); ++i) rows *= x[i];
    splits = splits_for(args.target, channels, 1, rows);
    part_bytes = sum_bytes(args.in().dtype);
  }

  std::int64_t pair_bytes() const { return 2 * channels * part_bytes; }
};

std::string with_rows(
    std::string_view pattern,
    const LowerArgs& args,
    const Rows& rows,
    DType parameters,
    DType statistics,
    int threads = 1) {
  const Attr* epsilon = args.node.attrs.find("epsilon");
  return fill_in(
      pattern,
      {{"T", kernel_type(args.in().dtype)},
       {"A", sum_type(args.in().dtype)},
       {"P", kernel_type(parameters)},
       {"S", kernel_type(statistics)},
       {"THREADS", std::to_string(threads)},
       {"ROWS", std::to_string(rows.rows)},
       {"C", std::to_string(rows.channels)},
       {"SPLITS", std::to_string(rows.splits)},
       {"EPSILON",
        literal(epsilon != nullptr ? std::get<double>(*epsilon) : 0, "f64")}});
}

Lowering lower_batch_norm_training(const LowerArgs& args) {
  const Rows rows(args);
  const DType p = args.in(1).dtype;
  const DType s = args.out(1).dtype;
  const auto make = [&](std::string_view stem, std::string_view pattern) {
    return make_kernel(
        stem, norm_family(), with_rows(pattern, args, rows, p, s));
  };
  const auto parts = make(
      "batch_norm_parts",
      R"(KT_KERNEL(256) $(NAME)(const $(T)* x, $(A)* parts) {
  batch_norm_parts(x, parts, $(ROWS), $(C), $(SPLITS));
}
)");
  const auto moments = make(
      "batch_norm_moments",
      R"(KT_KERNEL(256) $(NAME)(const $(A)* parts, $(A)* stats, $(S)* mean, $(S)* variance) {
  batch_norm_moments<$(T)>(parts, stats, mean, variance, $(ROWS), $(C), $(SPLITS));
}
)");
  const auto apply = make(
      "batch_norm_apply",
      R"(KT_KERNEL(256) $(NAME)(const $(T)* x, const $(P)* gamma, const $(P)* beta, const $(A)* stats, $(T)* y) {
  batch_norm_apply(x, gamma, beta, stats, stats + $(C), y, $(ROWS), $(C), $(EPSILON));
}
)");
  Lowering lowering;
  const std::int64_t stats_at = rows.pair_bytes() * rows.splits;
  lowering.scratch_bytes = stats_at + rows.pair_bytes();
  const std::int64_t n = rows.rows * rows.channels;
  const std::int64_t part_blocks =
      args.target.blocks(rows.channels * rows.splits, 256);
  const std::int64_t moment_blocks = args.target.blocks(rows.channels, 256);
  const std::int64_t blocks = args.target.blocks(n, 256);
  const std::int64_t channels = rows.channels;
  lowering.emit = [=](Emission& at) {
    if (channels == 0) return;
    const Place stats = at.scratch.plus(stats_at);
    at.launch(parts, part_blocks, {at.in[0], at.scratch});
    at.launch(
        moments, moment_blocks, {at.scratch, stats, at.out[1], at.out[2]});
    if (n == 0) return;
    at.launch(apply, blocks, {at.in[0], at.in[1], at.in[2], stats, at.out[0]});
  };
  return lowering;
}

Lowering lower_batch_norm_inference(const LowerArgs& args) {
  const Rows rows(args);
  const auto kernel = make_kernel(
      "batch_norm_inference",
      norm_family(),
      with_rows(
          R"(KT_KERNEL(256) $(NAME)(const $(T)* x, const $(P)* gamma, const $(P)* beta, const $(S)* mean, const $(S)* variance, $(T)* y) {
  batch_norm_apply(x, gamma, beta, mean, variance, y, $(ROWS), $(C), $(EPSILON));
}
)",
          args,
          rows,
          args.in(1).dtype,
          args.in(3).dtype));
  const std::int64_t n = rows.rows * rows.channels;
  const std::int64_t blocks = args.target.blocks(n, 256);
  Lowering lowering;
  lowering.can_overwrite = [](int operand, int) { return operand == 0; };
  lowering.emit = [=](Emission& at) {
    if (n == 0) return;
    std::vector<Argument> arguments(at.in.begin(), at.in.end());
    arguments.emplace_back(at.out[0]);
    at.launch(kernel, blocks, std::move(arguments));
  };
  return lowering;
}

// (x, gamma, mean, variance, dy) -> (dx, dgamma, dbeta)
Lowering lower_batch_norm_grad(const LowerArgs& args) {
  const Rows rows(args);
  const DType p = args.in(1).dtype;
  const DType s = args.in(2).dtype;
  const auto make = [&](std::string_view stem, std::string_view pattern) {
    return make_kernel(
        stem, norm_family(), with_rows(pattern, args, rows, p, s));
  };
  const auto parts = make(
      "batch_norm_grad_parts",
      R"(KT_KERNEL(256) $(NAME)(const $(T)* x, const $(S)* mean, const $(S)* variance, const $(T)* dy, $(A)* parts) {
  batch_norm_grad_parts(x, mean, variance, dy, parts, $(ROWS), $(C), $(SPLITS), $(EPSILON));
}
)");
  const auto sums = make(
      "batch_norm_grad_sums",
      R"(KT_KERNEL(256) $(NAME)(const $(A)* parts, $(A)* sums) {
  pair_finish<$(A)>(parts, sums, sums + $(C), $(C), $(SPLITS));
}
)");
  const auto dx = make(
      "batch_norm_dx",
      R"(KT_KERNEL(256) $(NAME)(const $(T)* x, const $(P)* gamma, const $(S)* mean, const $(S)* variance, const $(T)* dy, const $(A)* sums, $(T)* dx) {
  batch_norm_dx(x, gamma, mean, variance, dy, sums, dx, $(ROWS), $(C), $(EPSILON));
}
)");
  const auto store = make_kernel(
      "batch_norm_grad_store",
      norm_family(),
      fill_in(
          R"(KT_KERNEL(256) $(NAME)(const $(A)* sums, $(G)* dgamma, $(G)* dbeta) {
  for (i64 i = thread_number(); i < $(C); i += thread_count()) {
    dgamma[i] = convert<$(G)>(sums[i]);
    dbeta[i] = convert<$(G)>(sums[$(C) + i]);
  }
}
)",
          {{"A", sum_type(args.in().dtype)},
           {"G", kernel_type(args.out(1).dtype)},
           {"C", std::to_string(rows.channels)}}));
  Lowering lowering;
  const std::int64_t sums_at = rows.pair_bytes() * rows.splits;
  lowering.scratch_bytes = sums_at + rows.pair_bytes();
  const std::int64_t n = rows.rows * rows.channels;
  const std::int64_t part_blocks =
      args.target.blocks(rows.channels * rows.splits, 256);
  const std::int64_t channel_blocks = args.target.blocks(rows.channels, 256);
  const std::int64_t blocks = args.target.blocks(n, 256);
  const std::int64_t channels = rows.channels;
  lowering.emit = [=](Emission& at) {
    if (channels == 0) return;
    const Place total = at.scratch.plus(sums_at);
    at.launch(
        parts,
        part_blocks,
        {at.in[0], at.in[2], at.in[3], at.in[4], at.scratch});
    at.launch(sums, channel_blocks, {at.scratch, total});
    at.launch(store, channel_blocks, {total, at.out[1], at.out[2]});
    if (n == 0) return;
    at.launch(
        dx,
        blocks,
        {at.in[0], at.in[1], at.in[2], at.in[3], at.in[4], total, at.out[0]});
  };
  return lowering;
}

// (x, gamma, beta) -> (y, mean, rstd)
Lowering lower_layer_norm_forward(const LowerArgs& args) {
  const Rows rows(args);
  const int threads = threads_for(rows.channels, 1);
  const auto kernel = make_kernel(
      "layer_norm",
      norm_family(),
      with_rows(
          R"(KT_KERNEL(256) $(NAME)(const $(T)* x, const $(P)* gamma, const $(P)* beta, $(T)* y, $(S)* mean, $(S)* rstd) {
  layer_norm<$(THREADS)>(x, gamma, beta, y, mean, rstd, $(ROWS), $(C), $(EPSILON));
}
)",
          args,
          rows,
          args.in(1).dtype,
          args.out(1).dtype,
          threads));
  const std::int64_t count = rows.rows;
  const std::int64_t blocks = args.target.blocks(count, 256 / threads);
  Lowering lowering;
  lowering.emit = [=](Emission& at) {
    if (count == 0) return;
    at.launch(
        kernel,
        blocks,
        {at.in[0], at.in[1], at.in[2], at.out[0], at.out[1], at.out[2]});
  };
  return lowering;
}

// (x, gamma, mean, rstd, dy) -> (dx, dgamma, dbeta)
Lowering lower_layer_norm_grad(const LowerArgs& args) {
  const Rows rows(args);
  const int threads = threads_for(rows.channels, 1);
  const DType p = args.in(1).dtype;
  const DType s = args.in(2).dtype;
  const auto make = [&](std::string_view stem, std::string_view pattern) {
    return make_kernel(
        stem, norm_family(), with_rows(pattern, args, rows, p, s, threads));
  };
  const auto dx = make(
      "layer_norm_dx",
      R"(KT_KERNEL(256) $(NAME)(const $(T)* x, const $(P)* gamma, const $(S)* mean, const $(S)* rstd, const $(T)* dy, $(T)* dx) {
  layer_norm_dx<$(THREADS)>(x, gamma, mean, rstd, dy, dx, $(ROWS), $(C));
}
)");
  const auto parts = make(
      "layer_norm_parts",
      R"(KT_KERNEL(256) $(NAME)(const $(T)* x, const $(S)* mean, const $(S)* rstd, const $(T)* dy, $(A)* parts) {
  layer_norm_parts(x, mean, rstd, dy, parts, $(ROWS), $(C), $(SPLITS));
}
)");
  const auto finish = make_kernel(
      "layer_norm_finish",
      norm_family(),
      with_rows(
          R"(KT_KERNEL(256) $(NAME)(const $(A)* parts, $(P)* dgamma, $(P)* dbeta) {
  pair_finish<$(T)>(parts, dgamma, dbeta, $(C), $(SPLITS));
}
)",
          args,
          rows,
          args.out(1).dtype,
          s));
  Lowering lowering;
  lowering.scratch_bytes = rows.pair_bytes() * rows.splits;
  const std::int64_t count = rows.rows;
  const std::int64_t channels = rows.channels;
  const std::int64_t blocks = args.target.blocks(count, 256 / threads);
  const std::int64_t part_blocks =
      args.target.blocks(channels * rows.splits, 256);
  const std::int64_t channel_blocks = args.target.blocks(channels, 256);
  lowering.emit = [=](Emission& at) {
    if (channels == 0) return;
    if (count > 0) {
      at.launch(
          dx,
          blocks,
          {at.in[0], at.in[1], at.in[2], at.in[3], at.in[4], at.out[0]});
    }
    at.launch(
        parts,
        part_blocks,
        {at.in[0], at.in[2], at.in[3], at.in[4], at.scratch});
    at.launch(finish, channel_blocks, {at.scratch, at.out[1], at.out[2]});
  };
  return lowering;
}

}  // namespace

Lowering lower_batch_norm(const LowerArgs& args) {
  switch (args.node.op) {
    case Op::batch_norm_training:
      return lower_batch_norm_training(args);
    case Op::batch_norm_grad:
      return lower_batch_norm_grad(args);
    default:
      return lower_batch_norm_inference(args);
  }
}

Lowering lower_layer_norm(const LowerArgs& args) {
  return args.node.op == Op::layer_norm ? lower_layer_norm_forward(args)
                                        : lower_layer_norm_grad(args);
}

}  // namespace keratin::cuda
