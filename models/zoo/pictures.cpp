// What goes into the architectures and what comes out of them.

#include <algorithm>
#include <array>
#include <numeric>

#include <keratin/error.hpp>

#include "models/zoo/weights.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::applications {

namespace {

constexpr std::array<std::string_view, 4> kModes = {
    "caffe", "tf", "torch", "none"};

// Of ImageNet, per channel: red, green, blue of 0 to 1; of 0 to 255 for caffe,
// whose order is blue, green, red.
constexpr std::array<double, 3> kMean = {0.485, 0.456, 0.406};
constexpr std::array<double, 3> kDeviation = {0.229, 0.224, 0.225};
constexpr std::array<double, 3> kCaffeMean = {103.939, 116.779, 123.68};

/// Where a picture's channels are: `inner` elements of one follow each other.
struct Layout {
  std::int64_t inner = 1;
  std::int64_t pictures = 1;  // groups of 3 * inner elements
};

Layout layout_of(const Tensor& x, const std::string& data_format) {
  const bool first = data_format == "channels_first";
  if (!first && data_format != "channels_last") {
    throw InvalidArgument(format(
        "[preprocess_input] expected data_format 'channels_last' or "
        "'channels_first', got '{}'",
        data_format));
  }
  const bool rank = x.rank() == 3 || x.rank() == 4;
  const std::size_t axis = first ? x.rank() - 3 : x.rank() - 1;
  if (!rank || x.shape()[axis] != 3) {
    throw InvalidArgument(format(
        "[preprocess_input] expected pictures of 3 channels ({}), with or "
        "without a batch axis, got {}",
        data_format,
        x.shape().keras_str()));
  }
  Layout out;
  for (std::size_t i = axis + 1; i < x.rank(); ++i) out.inner *= x.shape()[i];
  out.pictures = out.inner == 0 ? 0 : x.size() / (3 * out.inner);
  return out;
}

/// In the elements' own precision, step by step as NumPy does it.
template <class T>
void preprocess(std::span<T> x, const std::string& mode, const Layout& layout) {
  if (mode == "tf") {
    for (T& value : x) value = value / T{127.5} - T{1};
    return;
  }
  const auto inner = static_cast<std::size_t>(layout.inner);
  for (std::int64_t p = 0; p < layout.pictures; ++p) {
    T* const picture = &x[static_cast<std::size_t>(p) * 3 * inner];
    for (std::size_t i = 0; i < inner; ++i) {
      T* const channel[] = {
          &picture[i], &picture[inner + i], &picture[2 * inner + i]};
      if (mode == "caffe") {
        std::swap(*channel[0], *channel[2]);
        for (std::size_t c = 0; c < 3; ++c) {
          *channel[c] -= static_cast<T>(kCaffeMean[c]);
        }
        continue;
      }
      for (std::size_t c = 0; c < 3; ++c) {
        *channel[c] = (*channel[c] / T{255} - static_cast<T>(kMean[c])) /
                      static_cast<T>(kDeviation[c]);
      }
    }
  }
}

struct Class {
  std::string name;
  std::string description;
};

constexpr std::size_t kClasses = 1000;

std::vector<Class> read_class_index(const std::string& path) {
  const io::SharedBytes file = io::map_file(path);
  const Config config = Config::parse(io::as_text(file.bytes), path);
  std::vector<Class> classes;
  for (std::size_t i = 0; i < kClasses; ++i) {
    const std::string key = format("{}", i);
    const Config* const entry = config.is_object() ? config.find(key) : nullptr;
    if (entry == nullptr || !entry->is_array() || entry->size() != 2 ||
        !entry->as_array()[0].is_string() ||
        !entry->as_array()[1].is_string()) {
      throw InvalidArgument(format(
          "[{}] expected {{\"0\": [\"n01440764\", \"tench\"], ...}} with {} "
          "classes; class {} is missing or of another form",
          path,
          kClasses,
          i));
    }
    classes.push_back(
        {entry->as_array()[0].as_string(), entry->as_array()[1].as_string()});
  }
  return classes;
}

}  // namespace

Tensor preprocess_input(
    const Tensor& x, const std::string& mode, const std::string& data_format) {
  if (std::find(kModes.begin(), kModes.end(), mode) == kModes.end()) {
    throw InvalidArgument(format(
        "[preprocess_input] expected mode 'caffe', 'tf', 'torch' or 'none', "
        "got '{}'{}",
        mode,
        did_you_mean(mode, kModes)));
  }
  if (mode == "none") return x;
  const Layout layout = layout_of(x, data_format);
  if (x.dtype() == DType::f64) {
    Tensor out = x;
    preprocess(out.mutable_data<double>(), mode, layout);
    return out;
  }
  Tensor out = x.cast(DType::f32);
  preprocess(out.mutable_data<float>(), mode, layout);
  return out;
}

std::vector<std::vector<Prediction>> decode_predictions(
    const Tensor& predictions,
    std::int64_t top,
    const std::string& class_index) {
  if (predictions.rank() != 2 ||
      predictions.shape()[1] != static_cast<std::int64_t>(kClasses)) {
    throw InvalidArgument(format(
        "[decode_predictions] expected (samples, 1000), got {}",
        predictions.shape().keras_str()));
  }
  if (top < 1) {
    throw InvalidArgument(
        format("[decode_predictions] expected top >= 1, got {}", top));
  }
  const std::vector<Class> classes =
      read_class_index(class_index.empty() ? fetch_class_index() : class_index);
  const std::vector<double> scores = predictions.to_vector<double>();
  const std::size_t count = std::min(static_cast<std::size_t>(top), kClasses);
  std::vector<std::vector<Prediction>> rows;
  for (std::size_t begin = 0; begin < scores.size(); begin += kClasses) {
    std::vector<std::size_t> order(kClasses);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(
        order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
          return scores[begin + a] > scores[begin + b];
        });
    std::vector<Prediction>& row = rows.emplace_back();
    for (std::size_t i = 0; i < count; ++i) {
      const Class& best = classes[order[i]];
      row.push_back({best.name, best.description, scores[begin + order[i]]});
    }
  }
  return rows;
}

// Keras's modules.

Tensor vgg16::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "caffe", data_format);
}

Tensor vgg19::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "caffe", data_format);
}

Tensor resnet::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "caffe", data_format);
}

Tensor resnet50::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "caffe", data_format);
}

Tensor resnet_v2::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "tf", data_format);
}

Tensor inception_v3::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "tf", data_format);
}

Tensor inception_resnet_v2::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "tf", data_format);
}

Tensor xception::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "tf", data_format);
}

Tensor mobilenet::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "tf", data_format);
}

Tensor mobilenet_v2::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "tf", data_format);
}

Tensor mobilenet_v3::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "none", data_format);
}

Tensor densenet::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "torch", data_format);
}

Tensor nasnet::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "tf", data_format);
}

Tensor efficientnet::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "none", data_format);
}

Tensor efficientnet_v2::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "none", data_format);
}

Tensor convnext::preprocess_input(
    const Tensor& x, const std::string& data_format) {
  return applications::preprocess_input(x, "none", data_format);
}

}  // namespace keratin::applications
