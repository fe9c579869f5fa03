#include "models/zoo/builder.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/layers/legacy.hpp>

#include "layers/base/symbolic_state.hpp"
#include "models/zoo/weights.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

void Request::fail(const std::string& message) const {
  throw InvalidArgument(format("[{}] {}", function, message));
}

namespace {

bool file_exists(const std::string& path) {
  struct stat info {};

  return ::stat(path.c_str(), &info) == 0;
}

void check_arguments(const Request& r) {
  if (r.weights && !r.imagenet() && !file_exists(*r.weights)) {
    r.fail(format(
        "expected weights to be 'imagenet', the path of a file or none, got "
        "'{}': no such file",
        *r.weights));
  }
  if (r.imagenet() && r.include_top && r.classes != 1000) {
    r.fail(format(
        "expected classes to be 1000 with weights 'imagenet' and include_top, "
        "got {}; leave the top out and add one",
        r.classes));
  }
  if (r.classes < 1) {
    r.fail(format("expected at least one class, got {}", r.classes));
  }
  if (!r.pooling.empty() && r.pooling != "avg" && r.pooling != "max") {
    r.fail(format(
        "expected pooling to be 'avg', 'max' or none, got '{}'", r.pooling));
  }
  const std::string& last = r.classifier_activation.name();
  if (r.include_top && r.weights && last != "softmax" && last != "linear") {
    r.fail(format(
        "expected classifier_activation to be 'softmax' or none with weights, "
        "got '{}'",
        last));
  }
}

Shape input_shape(const Request& r, const Sizes& sizes) {
  const auto& given = r.input_shape;
  const bool own_channels = !r.imagenet() && given && given->rank() == 3;
  const Shape usual = {
      sizes.usual, sizes.usual, own_channels ? given->back() : sizes.channels};
  const bool fixed = r.include_top && !sizes.any_with_top;
  if (r.imagenet() && fixed) {
    if (given && *given != usual) {
      r.fail(format(
          "expected input_shape {} with weights 'imagenet' and include_top, "
          "got {}",
          usual.keras_str(),
          given->keras_str()));
    }
    return usual;
  }
  if (!given) {
    return fixed ? usual : Shape{kUnknown, kUnknown, sizes.channels};
  }
  if (given->rank() != 3) {
    r.fail(format(
        "expected input_shape to be rows, columns and channels, got {}",
        given->keras_str()));
  }
  if (r.imagenet() && given->back() != sizes.channels) {
    r.fail(format(
        "expected {} channels with weights 'imagenet', got input_shape {}",
        sizes.channels,
        given->keras_str()));
  }
  for (const std::size_t axis : {0, 1}) {
    const std::int64_t extent = (*given)[axis];
    if (extent != kUnknown && extent < sizes.least) {
      r.fail(format(
          "expected pictures of at least {} x {}, got input_shape {}",
          sizes.least,
          sizes.least,
          given->keras_str()));
    }
  }
  if (given->back() == kUnknown || (fixed && !given->is_static())) {
    r.fail(format(
        "expected known extents{}, got input_shape {}",
        fixed ? " with include_top" : " of the channels",
        given->keras_str()));
  }
  return *given;
}

/// The tensors of Inputs that a tensor comes from, each once. `seen`: calls
/// that were looked at, as paths between two of them may be very many.
void collect_sources(
    const SymbolicTensor& tensor,
    std::vector<SymbolicTensor>& sources,
    std::set<const void*>& seen) {
  if (!seen.insert(&*tensor.state().node).second) return;
  const auto parents = tensor.state().node->arguments.tensors();
  if (parents.empty()) {
    if (std::find(sources.begin(), sources.end(), tensor) == sources.end()) {
      sources.push_back(tensor);
    }
    return;
  }
  for (const SymbolicTensor& parent : parents) {
    collect_sources(parent, sources, seen);
  }
}

}  // namespace

SymbolicTensor image_input(const Request& r, Sizes sizes) {
  check_arguments(r);
  const Shape shape = input_shape(r, sizes);
  if (!r.input_tensor) return layers::Input(shape);
  if (r.input_tensor.rank() != 4) {
    r.fail(format(
        "expected input_tensor to be (batch, rows, columns, channels), got {}",
        r.input_tensor.shape().keras_str()));
  }
  return r.input_tensor;
}

Published published_at(
    const Request& r,
    const std::string& address,
    const std::string& hash,
    const std::string& hash_without_top) {
  return r.include_top ? Published{address + ".h5", hash}
                       : Published{address + "_notop.h5", hash_without_top};
}

Published published(
    const Request& r,
    const std::string& folder,
    const std::string& name,
    const std::string& hash,
    const std::string& hash_without_top) {
  const std::string address =
      kStorage + folder + "/" + name + "_weights_tf_dim_ordering_tf_kernels";
  return published_at(r, address, hash, hash_without_top);
}

Model finish(
    const Request& r,
    const SymbolicTensor& image,
    const SymbolicTensor& output,
    const std::string& name,
    const Published& weights) {
  if (r.imagenet() && weights.address.empty()) {
    r.fail("has no published weights; give the path of a file, or none");
  }
  Model model;
  if (r.input_tensor) {
    std::vector<SymbolicTensor> sources;
    std::set<const void*> seen;
    collect_sources(image, sources, seen);
    model = Model(sources, {output}, r.name_or(name));
  } else {
    model = Model(image, output, r.name_or(name));
  }
  if (!r.weights) return model;
  // Not the request: what it holds for the time of building ends with that.
  const std::string path = r.imagenet() ? "" : *r.weights;
  const auto load = [model, weights, path, top = r.include_top] {
    load_weights(model, path.empty() ? fetch_weights(weights) : path, top);
  };
  if (r.load_later == nullptr) {
    load();
  } else {
    *r.load_later = load;
  }
  return model;
}

SymbolicTensor pooled(
    const SymbolicTensor& x,
    const Request& r,
    const std::string& average_name,
    const std::string& max_name) {
  if (r.pooling == "avg") {
    return layers::GlobalAveragePooling2D({.name = average_name})(x);
  }
  if (r.pooling == "max") {
    return layers::GlobalMaxPooling2D({.name = max_name})(x);
  }
  return x;
}

SymbolicTensor predictions(
    const SymbolicTensor& x,
    const Request& r,
    const Initializer& kernel,
    const Initializer& bias) {
  return layers::Dense(
      r.classes,
      {.activation = r.classifier_activation,
       .kernel_initializer = kernel,
       .bias_initializer = bias,
       .name = "predictions"})(x);
}

SymbolicTensor averaged_predictions(
    const SymbolicTensor& x, const Request& r, const std::string& name) {
  return predictions(layers::GlobalAveragePooling2D({.name = name})(x), r);
}

SymbolicTensor activation(
    const SymbolicTensor& x,
    const keratin::Activation& function,
    const std::string& name) {
  return layers::Activation(function, {.name = name})(x);
}

SymbolicTensor local_response(
    const SymbolicTensor& x, const std::string& name) {
  return layers::LocalResponseNormalization(
      {.depth_radius = 2,
       .bias = 2,
       .alpha = 1e-4,
       .beta = 0.75,
       .name = name})(x);
}

layers::Margins correct_pad(const SymbolicTensor& x, std::int64_t kernel) {
  const std::int64_t half = kernel / 2;
  // An even extent needs one row less before it; an unknown one counts as even.
  const auto before = [&](std::size_t axis) {
    const std::int64_t extent = x.shape()[axis];
    return extent == kUnknown || extent % 2 == 0 ? half - 1 : half;
  };
  return {{before(1), half}, {before(2), half}};
}

std::int64_t divisible(double value, std::int64_t divisor) {
  const auto d = static_cast<double>(divisor);
  const std::int64_t rounded = std::max(
      divisor, static_cast<std::int64_t>(value + d / 2) / divisor * divisor);
  return static_cast<double>(rounded) < 0.9 * value ? rounded + divisor
                                                    : rounded;
}

}  // namespace keratin::applications
