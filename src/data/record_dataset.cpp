// TFRecord files, and arrays in HDF5 and .npz files.

#include <array>
#include <utility>

#include <keratin/data/sources.hpp>
#include <keratin/error.hpp>
#include <keratin/io/hdf5.hpp>
#include <keratin/io/npy.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/data/pipeline/nodes.hpp"
#include "src/data/skip_list.hpp"
#include "src/data/tensorflow_resize.hpp"
#include "src/io/image_codec.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::data {
namespace {

constexpr const char* kRecords = "[tfrecord_dataset]";
constexpr const char* kExamples = "[parse_tf_examples]";

/// The records of one file after the other.
class Records {
 public:
  Records(std::vector<std::string> paths, std::shared_ptr<SkipList> skipped)
      : paths_(std::move(paths)), skipped_(std::move(skipped)) {}

  std::optional<Element> next() {
    while (at_ < paths_.size()) {
      if (!reader_) reader_.emplace(paths_[at_]);
      std::optional<std::string> record;
      try {
        record = reader_->next();
      } catch (const InvalidArgument& error) {
        if (!skipped_) throw;
        skipped_->add(
            format("{}:{}", paths_[at_], reader_->position()), error.what());
        continue;
      }
      if (record) {
        return Element{
            Tensor(std::vector<std::string>{std::move(*record)}, Shape{})};
      }
      reader_.reset();
      ++at_;
    }
    return std::nullopt;
  }

 private:
  std::vector<std::string> paths_;
  std::shared_ptr<SkipList> skipped_;  // null: errors are raised
  std::size_t at_ = 0;
  std::optional<io::TfRecordReader> reader_;
};

Tensor decode_picture(const TfFeature& feature, const std::string& file) {
  const std::string who = format("{} {}", kExamples, io::quoted(feature.name));
  const std::int64_t depth = feature.shape.rank() == 3 ? feature.shape[2] : 3;
  const auto channels = depth == 1   ? io::ImageChannels::grey
                        : depth == 4 ? io::ImageChannels::rgba
                                     : io::ImageChannels::rgb;
  const Tensor picture = io::decode_image(
      io::as_bytes(file), channels, who, io::DecodeAs::tensorflow);
  if (feature.shape.rank() != 3) return picture;
  return tensorflow_resize(
      picture,
      {feature.shape[0], feature.shape[1]},
      "bilinear",
      AspectRatio::ignore);
}

Tensor feature_of(const io::TfExample& example, const TfFeature& feature) {
  const auto found = example.find(feature.name);
  if (found == example.end() || found->second.size() == 0) {
    if (feature.default_value) return *feature.default_value;
    std::vector<std::string> names;
    for (const auto& [name, values] : example) names.push_back(name);
    throw InvalidArgument(format(
        "{} the example has no feature {}{}; give it a default_value",
        kExamples,
        io::quoted(feature.name),
        did_you_mean(feature.name, names)));
  }
  const Tensor& values = found->second;
  const bool text = feature.picture || feature.dtype == DType::string;
  if (text != (values.dtype() == DType::string)) {
    throw InvalidArgument(format(
        "{} feature {}: expected {}, got {}",
        kExamples,
        io::quoted(feature.name),
        text ? "bytes" : "numbers",
        values.dtype()));
  }
  const std::int64_t count = feature.picture ? 1 : feature.shape.size();
  if (values.size() != count) {
    throw InvalidArgument(format(
        "{} feature {}: expected {} values, got {}",
        kExamples,
        io::quoted(feature.name),
        count,
        values.size()));
  }
  if (feature.picture) {
    return decode_picture(feature, values.data<std::string>()[0]);
  }
  const Tensor shaped = values.reshape(feature.shape);
  return text ? shaped : shaped.cast(feature.dtype);
}

TensorSet features_of(
    const io::TfExample& example, const std::vector<TfFeature>& features) {
  if (features.empty()) return {};
  if (features.size() == 1) return feature_of(example, features[0]);
  std::vector<TensorSet::Named> named;
  for (const TfFeature& feature : features) {
    named.emplace_back(feature.name, feature_of(example, feature));
  }
  return {std::move(named)};
}

void check_shapes(const std::vector<TfFeature>& features) {
  for (const TfFeature& feature : features) {
    const Shape& shape = feature.shape;
    for (const std::int64_t extent : shape.dims()) {
      if (extent >= 1) continue;
      throw InvalidArgument(format(
          "{} feature {}: expected a shape of numbers >= 1, got {}",
          kExamples,
          io::quoted(feature.name),
          shape));
    }
    if (!feature.picture || shape.empty()) continue;
    if (shape.rank() == 3 && (shape[2] == 1 || shape[2] == 3 || shape[2] == 4))
      continue;
    throw InvalidArgument(format(
        "{} feature {}: expected the shape of a picture, [height, width, 1, 3 "
        "or 4], got {}",
        kExamples,
        io::quoted(feature.name),
        shape));
  }
}

Dataset batched(
    Tensor x, TensorSet y, const std::optional<std::int64_t>& batch_size) {
  Dataset rows = Dataset::from_tensor_slices(std::move(x), std::move(y));
  return batch_size ? rows.batch(*batch_size).prefetch(kAutotune) : rows;
}

}  // namespace

FileDataset tfrecord_dataset(
    const std::vector<std::string>& paths, const std::string& on_error) {
  check_on_error(kRecords, on_error);
  if (paths.empty()) {
    throw InvalidArgument(
        format("{} expected at least one file, got none", kRecords));
  }
  // What is not there is told now.
  for (const std::string& path : paths) io::TfRecordReader{path};
  auto skipped = on_error == "skip" ? std::make_shared<SkipList>() : nullptr;
  return {
      Dataset::from_generator([paths, skipped] {
        return [pass = std::make_shared<Records>(paths, skipped)] {
          return pass->next();
        };
      }),
      skipped};
}

FileDataset parse_tf_examples(
    const FileDataset& records, const TfExampleOptions& options) {
  check_on_error(kExamples, options.on_error);
  if (options.x.empty()) {
    throw InvalidArgument(
        format("{} expected a feature as x, got none", kExamples));
  }
  check_shapes(options.x);
  check_shapes(options.y);
  auto skipped =
      options.on_error == "skip" ? std::make_shared<SkipList>() : nullptr;
  const auto parse = [options, skipped](
                         Element element, const MapContext& context) {
    Element out;
    try {
      const std::string& record =
          detail::only(element.x, "x").data<std::string>()[0];
      const io::TfExample example = io::parse_tf_example(record, kExamples);
      out.x = features_of(example, options.x);
      out.y = features_of(example, options.y);
    } catch (const InvalidArgument& error) {
      if (!skipped) throw;
      skipped->add(
          format("{}", context.number),
          format("record {}: {}", context.number, error.what()));
      out = {};
    }
    return out;
  };
  Dataset examples(make_map(
      records.node(),
      parse,
      {.num_parallel_calls = options.num_parallel_calls},
      "parse_tf_examples"));
  if (skipped) {
    examples = examples.filter([](const Element& e) { return !e.x.empty(); });
  }
  return {std::move(examples), skipped};
}

Dataset hdf5_dataset(
    const std::string& path, const ArrayDatasetOptions& options) {
  const io::Hdf5File file(path);
  return batched(
      file.read(options.x),
      options.y.empty() ? TensorSet() : TensorSet(file.read(options.y)),
      options.batch_size);
}

Dataset npz_dataset(
    const std::string& path, const ArrayDatasetOptions& options) {
  const std::map<std::string, Tensor> arrays = io::load_npz(path);
  const auto array = [&](const std::string& name) {
    const auto found = arrays.find(name);
    if (found != arrays.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [known, value] : arrays) names.push_back(known);
    throw InvalidArgument(format(
        "[{}] has no array {}{}",
        io::base_name(path),
        io::quoted(name),
        did_you_mean(name, names)));
  };
  return batched(
      array(options.x),
      options.y.empty() ? TensorSet() : TensorSet(array(options.y)),
      options.batch_size);
}

}  // namespace keratin::data
