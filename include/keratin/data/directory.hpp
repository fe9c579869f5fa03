#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/data/dataset.hpp>
#include <keratin/export.hpp>

namespace keratin::data {

class SkipList;

}  // namespace keratin::data

/// Data as they lie in folders, read as keras.utils reads them.
namespace keratin::utils {

/// A dataset that knows what it was made of.
class KERATIN_API DirectoryDataset : public data::Dataset {
 public:
  DirectoryDataset(
      data::Dataset dataset,
      std::vector<std::string> class_names,
      std::vector<std::string> file_paths,
      std::shared_ptr<const data::SkipList> skipped);

  /// In the order of the labels; empty without labels.
  const std::vector<std::string>& class_names() const { return class_names_; }

  /// In the order before the shuffling of each epoch.
  const std::vector<std::string>& file_paths() const { return file_paths_; }

  /// With on_error "skip": the messages of the files left out so far, the first
  /// thousand.
  std::vector<std::string> skipped() const;

 private:
  std::vector<std::string> class_names_;
  std::vector<std::string> file_paths_;
  std::shared_ptr<const data::SkipList> skipped_;
};

/// Keras's arguments. What is not said here is as for every source.
struct ImageDatasetOptions {
  /// "inferred": a class for each folder; "none": no targets. Else give
  /// `label_list`, one label for each file in alphanumeric order of the paths.
  std::string labels = "inferred";
  /// Targets as "int": i32[], "categorical": f32[classes], "binary": f32[1];
  /// or "none".
  std::string label_mode = "int";
  /// The folders to take, in this order; else all, in alphanumeric order.
  std::vector<std::string> class_names = {};
  std::string color_mode = "rgb";  // or "grayscale", "rgba"
  /// Elements a batch; none: single elements.
  std::optional<std::int64_t> batch_size = 32;
  std::array<std::int64_t, 2> image_size = {256, 256};  // height, width
  bool shuffle = true;
  std::optional<std::uint32_t> seed = {};
  /// The share of the files, shuffled by `seed`, that is the validation data:
  /// the last ones. For one seed the split is Keras's own.
  std::optional<double> validation_split = {};
  std::string subset = {};  // "training" or "validation"
  /// As TensorFlow resizes, without antialiasing: "bilinear", "nearest",
  /// "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic".
  std::string interpolation = "bilinear";
  bool follow_links = false;
  bool crop_to_aspect_ratio = false;
  bool pad_to_aspect_ratio = false;
  std::string data_format = "channels_last";
  bool verbose = true;  // says how many files there are
  std::vector<std::int64_t> label_list = {};
  /// What a damaged file does: "raise" an error that names it, or "skip".
  std::string on_error = "raise";
  /// Decodes JPEGs at the smallest of the library's scales (1/8, 1/4, ...) that
  /// is no smaller than image_size: several times faster for large photographs,
  /// with slightly other pixels than Keras's.
  bool scaled_decoding = false;
};

/// Pictures (.jpg, .jpeg, .png, .gif, .bmp) below a folder, decoded in parallel
/// and resized: f32[height, width, channels] with values from 0 to 255 (u8
/// with "nearest"), in batches, one made ahead. A file is decoded by its
/// content, whatever its name.
///
/// Throws InvalidArgument for an argument that is none of the above, for a
/// folder without pictures, or when labels and files do not match; SystemError
/// for a folder that cannot be read.
KERATIN_API DirectoryDataset image_dataset_from_directory(
    const std::string& directory, const ImageDatasetOptions& options = {});

/// Both parts of a validation_split: Keras's subset="both".
KERATIN_API std::pair<DirectoryDataset, DirectoryDataset>
image_datasets_from_directory(
    const std::string& directory, const ImageDatasetOptions& options);

struct TextDatasetOptions {
  std::string labels = "inferred";
  std::string label_mode = "int";
  std::vector<std::string> class_names = {};
  std::optional<std::int64_t> batch_size = 32;
  std::optional<std::int64_t> max_length = {};  // bytes kept of a text
  bool shuffle = true;
  std::optional<std::uint32_t> seed = {};
  std::optional<double> validation_split = {};
  std::string subset = {};
  bool follow_links = false;
  bool verbose = true;
  std::vector<std::int64_t> label_list = {};
};

/// Whole text files (.txt) below a folder, string[]; as
/// image_dataset_from_directory otherwise.
KERATIN_API DirectoryDataset text_dataset_from_directory(
    const std::string& directory, const TextDatasetOptions& options = {});

KERATIN_API std::pair<DirectoryDataset, DirectoryDataset>
text_datasets_from_directory(
    const std::string& directory, const TextDatasetOptions& options);

struct AudioDatasetOptions {
  std::string labels = "inferred";
  std::string label_mode = "int";
  std::vector<std::string> class_names = {};
  std::optional<std::int64_t> batch_size = 32;
  /// Samples of every element: cut, or zeros after the end. Else those of a
  /// batch are as long as its longest.
  std::optional<std::int64_t> output_sequence_length = {};
  bool shuffle = true;
  std::optional<std::uint32_t> seed = {};
  std::optional<double> validation_split = {};
  std::string subset = {};
  bool follow_links = false;
  bool verbose = true;
  std::vector<std::int64_t> label_list = {};
};

/// Sounds (.wav of 16-bit PCM) below a folder, f32[samples, channels] from -1
/// to 1; as image_dataset_from_directory otherwise.
KERATIN_API DirectoryDataset audio_dataset_from_directory(
    const std::string& directory, const AudioDatasetOptions& options = {});

KERATIN_API std::pair<DirectoryDataset, DirectoryDataset>
audio_datasets_from_directory(
    const std::string& directory, const AudioDatasetOptions& options);

struct TimeseriesDatasetOptions {
  std::int64_t sequence_stride = 1;  // between the starts of two sequences
  std::int64_t sampling_rate = 1;    // between two time steps of a sequence
  std::optional<std::int64_t> batch_size = 128;
  bool shuffle = false;
  std::optional<std::uint64_t> seed = {};
  std::optional<std::int64_t> start_index = {};
  std::optional<std::int64_t> end_index = {};
};

/// Sliding windows over the first axis of data: [time, ...]. The window that
/// starts at i holds data[i], data[i + sampling_rate], ...: [sequence_length,
/// ...], its target is targets[i] (no targets when that is empty).
KERATIN_API data::Dataset timeseries_dataset_from_array(
    const Tensor& data,
    const std::optional<Tensor>& targets,
    std::int64_t sequence_length,
    const TimeseriesDatasetOptions& options = {});

}  // namespace keratin::utils
