// What a layer's arrays were in older versions: one function per class.

#include <string_view>

#include "models/legacy/weights.hpp"

namespace keratin::legacy {

namespace {

using Arrays = std::vector<Array>;

struct Target {
  const LayerImpl& layer;
  const std::vector<Variable>& weights;
  const Writer& writer;

  Shape shape(std::size_t index) const {
    return index < weights.size() ? weights[index].shape() : Shape{};
  }

  bool channels_first() const {
    return layer.get_config().get("data_format") == Config("channels_first");
  }
};

/// [out, in, spatial...] as [spatial..., in, out].
Array from_theano(const Array& kernel) {
  std::vector<std::size_t> axes;
  for (std::size_t axis = 2; axis < kernel.shape.rank(); ++axis) {
    axes.push_back(axis);
  }
  axes.push_back(1);
  axes.push_back(0);
  return transposed(kernel, axes);
}

void reverse(Array& kernel, const Target& target) {
  if (target.writer.convolves && kernel.shape.rank() > 2) {
    kernel = flipped(kernel, kernel.shape.rank() - 2);
  }
}

void convolution(Arrays& arrays, const Target& target) {
  if (arrays.empty() || target.weights.empty()) return;
  Array& kernel = arrays[0];
  const Shape wanted = target.shape(0);
  const bool one_dimensional = wanted.rank() == 3;
  if (one_dimensional && kernel.shape.rank() == 4) {
    // Keras 1 kept [steps, 1, in, out], or [out, in, steps, 1].
    const Shape plain{wanted[0], 1, wanted[1], wanted[2]};
    if (kernel.shape != plain || target.writer.theano_kernels) {
      kernel = transposed(kernel, {2, 3, 1, 0});
    }
    reverse(kernel, target);
    if (kernel.shape[1] == 1) {
      kernel = reshaped(
          kernel, Shape{kernel.shape[0], kernel.shape[2], kernel.shape[3]});
    }
    return;
  }
  if (kernel.shape.rank() != wanted.rank() || wanted.rank() < 3) return;
  const bool old_order = target.writer.keras == 1 && target.channels_first();
  if (old_order || target.writer.theano_kernels || kernel.shape != wanted) {
    kernel = from_theano(kernel);
  }
  reverse(kernel, target);
}

void transposed_convolution(Arrays& arrays, const Target& target) {
  if (arrays.empty() || target.weights.empty()) return;
  Array& kernel = arrays[0];
  if (kernel.shape.rank() != 4) return;
  if (target.writer.keras == 1) {
    kernel = target.channels_first() ? transposed(kernel, {2, 3, 0, 1})
                                     : transposed(kernel, {0, 1, 3, 2});
  }
  if (kernel.shape != target.shape(0)) {
    const Array other = transposed(kernel, {3, 2, 0, 1});
    if (other.shape == target.shape(0)) kernel = other;
  }
  reverse(kernel, target);
}

/// Keras 1, Theano's order: [multiplier, in, rows, columns] and
/// [out, multiplier * in, 1, 1].
void separable(Arrays& arrays, const Target& target) {
  for (std::size_t i = 0; i < 2 && i < arrays.size(); ++i) {
    if (arrays[i].shape.rank() == 4 && arrays[i].shape != target.shape(i)) {
      arrays[i] = from_theano(arrays[i]);
    }
  }
}

/// Keras 1 kept the gates' arrays apart: kernel, recurrent kernel and bias of
/// each.
void join_gates(Arrays& arrays, std::initializer_list<std::size_t> gates) {
  Arrays out;
  for (std::size_t kind = 0; kind < 3; ++kind) {
    Arrays parts;
    for (const std::size_t gate : gates)
      parts.push_back(arrays[3 * gate + kind]);
    for (const Array& part : parts) {
      if (part.shape.rank() != parts[0].shape.rank() || part.shape.empty()) {
        return;
      }
      for (std::size_t axis = 0; axis + 1 < part.shape.rank(); ++axis) {
        if (part.shape[axis] != parts[0].shape[axis]) return;
      }
    }
    out.push_back(joined(parts));
  }
  arrays = std::move(out);
}

/// cuDNN keeps kernels transposed, in Fortran's order.
void from_cudnn(Arrays& arrays, std::size_t gates) {
  arrays[0] = by_gates(
      arrays[0],
      gates,
      [](const double* in, double* out, std::size_t rows, std::size_t columns) {
        // The elements, read by rows, fill the block by columns.
        for (std::size_t i = 0; i < rows * columns; ++i) {
          out[i % rows * columns + i / rows] = in[i];
        }
      });
  arrays[1] = by_gates(
      arrays[1],
      gates,
      [](const double* in, double* out, std::size_t rows, std::size_t columns) {
        if (rows != columns) return;
        for (std::size_t r = 0; r < rows; ++r) {
          for (std::size_t c = 0; c < columns; ++c) {
            out[c * rows + r] = in[r * columns + c];
          }
        }
      });
}

void lstm(Arrays& arrays, const Target& target) {
  // i, c, f, o in Keras 1; i, f, c, o since.
  if (arrays.size() == 12) join_gates(arrays, {0, 2, 1, 3});
  if (arrays.size() != 3 || target.weights.size() != 3) return;
  const Shape& bias = arrays[2].shape;
  const bool cudnn = bias.rank() == 1 && arrays[1].shape.rank() == 2 &&
                     arrays[0].shape.rank() == 2 &&
                     bias[0] == 8 * arrays[1].shape[0];
  if (!cudnn) return;
  from_cudnn(arrays, 4);
  arrays[2] = halves_added(arrays[2]);
}

void gru(Arrays& arrays, const Target& target) {
  if (arrays.size() == 9) join_gates(arrays, {0, 1, 2});
  if (arrays.size() != 3 || target.weights.size() != 3) return;
  const Shape& bias = arrays[2].shape;
  const bool cudnn = bias.rank() == 1 && arrays[1].shape.rank() == 2 &&
                     arrays[0].shape.rank() == 2 &&
                     bias[0] == 6 * arrays[1].shape[0];
  if (!cudnn) return;
  from_cudnn(arrays, 3);
  arrays[2] = reshaped(arrays[2], Shape{2, bias[0] / 2});
}

void conv_lstm(Arrays& arrays, const Target& target) {
  if (arrays.size() == 12) {
    // Each array is a kernel: [rows, columns, in, out], or Theano's order.
    const bool first = target.channels_first();
    for (Array& array : arrays) {
      if (first && array.shape.rank() == 4) array = from_theano(array);
    }
    join_gates(arrays, {0, 2, 1, 3});
  }
  for (std::size_t i = 0; i < 2 && i < arrays.size(); ++i) {
    if (arrays[i].shape.rank() != 4) continue;
    if (arrays[i].shape != target.shape(i)) arrays[i] = from_theano(arrays[i]);
    reverse(arrays[i], target);
  }
}

/// tf.keras wrote a scalar count as int64, Keras 3 as int32, and older versions
/// none: a missing one stays as it is.
void normalization(Arrays& arrays, const Target& target) {
  if (arrays.size() > target.weights.size()) {
    arrays.resize(target.weights.size());
  }
}

struct Rule {
  std::string_view class_name;
  void (*convert)(Arrays& arrays, const Target& target);
};

constexpr Rule kRules[] = {
    {"Conv1D", convolution},
    {"Conv1DTranspose", transposed_convolution},
    {"Conv2D", convolution},
    {"Conv2DTranspose", transposed_convolution},
    {"Conv3D", convolution},
    {"ConvLSTM2D", conv_lstm},
    {"GRU", gru},
    {"LSTM", lstm},
    {"Normalization", normalization},
    {"SeparableConv1D", separable},
    {"SeparableConv2D", separable},
};

}  // namespace

std::vector<Array> converted(
    const LayerImpl& layer,
    const std::vector<Variable>& weights,
    std::vector<Array> arrays,
    const Writer& writer) {
  const std::string name = layer.class_name();
  for (const Rule& rule : kRules) {
    if (rule.class_name == name) {
      rule.convert(arrays, {layer, weights, writer});
      break;
    }
  }
  return arrays;
}

}  // namespace keratin::legacy
