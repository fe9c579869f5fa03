#pragma once

#include <string>
#include <vector>

#include "src/backends/cpu/epilogue.hpp"
#include "src/backends/cpu/onednn.hpp"
#include "src/ir/graph.hpp"

namespace keratin::cpu {

/// A convolution in oneDNN's words, whichever of its three passes a node is.
struct ConvPlan {
  DType dtype = DType::f32;  // of all three
  dnnl::memory::dims x_dims, w_dims, y_dims;
  dnnl::memory::dims strides, dilation, pad_low, pad_high;

  // Our layouts: [n, spatial..., c] and [kernel..., c / groups, f].
  dnnl::memory::desc x, w, y;

  /// The layouts a candidate asks for, `any` where the primitive may choose,
  /// and how it convolves.
  struct Layouts {
    dnnl::memory::desc x, w, y;
    dnnl::algorithm algorithm = dnnl::algorithm::convolution_direct;
  };

  Layouts channels_last() const { return {x, any(w_dims), y}; }

  Layouts free_choice() const {
    return {any(x_dims), any(w_dims), any(y_dims)};
  }

  /// x channels-last, the rest free: for few input channels, where there is
  /// nothing to block.
  Layouts plain_x() const { return {x, any(w_dims), any(y_dims)}; }

  Layouts plain_y() const { return {any(x_dims), any(w_dims), y}; }

  /// Winograd's algorithm, in the layouts it chooses.
  Layouts winograd() const {
    Layouts layouts = free_choice();
    layouts.algorithm = dnnl::algorithm::convolution_winograd;
    return layouts;
  }

  dnnl::memory::desc any(const dnnl::memory::dims& dims) const {
    return any_desc(dims, dtype);
  }

  /// Whether Winograd's algorithm is for such a window, 3 x 3, one step, in
  /// float32.
  bool suits_winograd() const;

  Epilogue epilogue;
  bool fixed_w = false;  // seldom changes: may be packed

  double flops = 0;
  // Names the work whatever the batch, for choices made by timing.
  std::string key;
};

/// From the window attributes and the shapes of the whole convolution.
ConvPlan plan_conv(
    const Attrs& attrs,
    DType dtype,
    const Shape& x,
    const Shape& w,
    const Shape& y);

/// The descriptor of the forward pass in these layouts, its epilogue included.
/// Throws dnnl::error.
dnnl::convolution_forward::primitive_desc forward_desc(
    const ConvPlan& plan, const ConvPlan::Layouts& layouts);

}  // namespace keratin::cpu
