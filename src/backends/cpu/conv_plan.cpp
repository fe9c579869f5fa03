#include "src/backends/cpu/conv_plan.hpp"

#include <algorithm>

#include "src/core/format.hpp"

namespace keratin::cpu {

namespace {

using Dims = dnnl::memory::dims;

// [n, spatial..., c] as oneDNN's {n, c, spatial...}.
dnnl::memory::desc channels_last_desc(
    const Shape& shape, DType dtype, Dims* dims) {
  const std::vector<std::int64_t> own = shape.strides();
  const std::size_t last = shape.rank() - 1;
  Dims strides = {own[0], own[last]};
  *dims = {shape[0], shape[last]};
  for (std::size_t i = 1; i < last; ++i) {
    dims->push_back(shape[i]);
    strides.push_back(own[i]);
  }
  return strided_desc(*dims, strides, dtype);
}

// [kernel..., c / groups, f] as oneDNN's {f, c, kernel...}, or with groups
// {groups, f / groups, c / groups, kernel...}.
dnnl::memory::desc weights_desc(
    const Shape& shape, DType dtype, std::int64_t groups, Dims* dims) {
  const std::vector<std::int64_t> own = shape.strides();
  const std::size_t spatial = shape.rank() - 2;
  const std::int64_t filters = shape[spatial + 1] / groups;
  Dims strides;
  *dims = {};
  if (groups > 1) {
    dims->push_back(groups);
    strides.push_back(filters);
  }
  dims->insert(dims->end(), {filters, shape[spatial]});
  strides.insert(strides.end(), {1, own[spatial]});
  for (std::size_t i = 0; i < spatial; ++i) {
    dims->push_back(shape[i]);
    strides.push_back(own[i]);
  }
  return strided_desc(*dims, strides, dtype);
}

Shape without_batch(const Shape& shape) {
  return Shape(std::vector<std::int64_t>(shape.begin() + 1, shape.end()));
}

}  // namespace

ConvPlan plan_conv(
    const Attrs& attrs,
    DType dtype,
    const Shape& x,
    const Shape& w,
    const Shape& y) {
  ConvPlan plan;
  plan.dtype = dtype;
  const std::int64_t groups = attrs.integer("groups");
  plan.x = channels_last_desc(x, dtype, &plan.x_dims);
  plan.w = weights_desc(w, dtype, groups, &plan.w_dims);
  plan.y = channels_last_desc(y, dtype, &plan.y_dims);
  plan.strides = attrs.ints("strides");
  plan.pad_low = attrs.ints("pad_low");
  plan.pad_high = attrs.ints("pad_high");
  plan.dilation = attrs.ints("dilation");
  plan.flops = 2.0 * static_cast<double>(y.size()) *
               static_cast<double>(w.size()) /
               static_cast<double>(w[w.rank() - 1]);
  plan.key = keratin::format(
      "{} {} -> {} groups {}", without_batch(x), w, without_batch(y), groups);
  for (std::size_t i = 0; i < plan.strides.size(); ++i) {
    plan.key += keratin::format(
        " [{} {}:{} {}]",
        plan.strides[i],
        plan.pad_low[i],
        plan.pad_high[i],
        plan.dilation[i]);
  }
  if (dtype != DType::f32) plan.key += keratin::format(" {}", dtype);
  for (std::int64_t& step : plan.dilation) --step;  // oneDNN counts the gaps
  return plan;
}

bool ConvPlan::suits_winograd() const {
  const auto all = [](const Dims& dims, std::int64_t value) {
    return std::all_of(dims.begin(), dims.end(), [value](std::int64_t dim) {
      return dim == value;
    });
  };
  const bool in_groups = w_dims.size() > x_dims.size();
  return !in_groups && dtype == DType::f32 && strides.size() == 2 &&
         all(strides, 1) && all(dilation, 0) && w_dims[2] == 3 &&
         w_dims[3] == 3;
}

dnnl::convolution_forward::primitive_desc forward_desc(
    const ConvPlan& plan, const ConvPlan::Layouts& layouts) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attr.set_post_ops(plan.epilogue.post_ops());
  const auto bias = plan.epilogue.bias >= 0 ? any_desc({plan.y_dims[1]})
                                            : dnnl::memory::desc();
  return {
      dnnl::convolution_forward::desc(
          dnnl::prop_kind::forward_training,
          layouts.algorithm,
          layouts.x,
          layouts.w,
          bias,
          layouts.y,
          plan.strides,
          plan.dilation,
          plan.pad_low,
          plan.pad_high),
      attr,
      onednn_engine()};
}

}  // namespace keratin::cpu
