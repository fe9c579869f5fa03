#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/layer.hpp>

#include "src/experiment/part.hpp"
#include "src/experiment/section.hpp"

/// Where the data of a config come from, one section a kind.
namespace keratin::experiment {

struct CsvSection final : Section {
  std::string path;
  std::optional<std::string> test_path;
  std::string target;
  std::vector<std::string> features;  // empty: every other column
  std::vector<std::string> classes;   // of a target of texts; empty: sorted
  bool header = true;
  std::string delimiter = ",";
  std::vector<std::string> missing;  // texts that mean no value; empty: usual
  Config missing_values;             // {"column": [more such texts]}
  std::string on_error = "raise";
  bool stream = false;
  std::int64_t batch_size = 32;  // of a stream
  std::int64_t shuffle_buffer = 10000;

  std::string class_name() const override { return "csv"; }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;
};

struct NpzSection final : Section {
  std::string path;
  std::string x = "x_train";
  std::string y = "y_train";
  std::optional<std::string> x_test;
  std::optional<std::string> y_test;

  std::string class_name() const override { return "npz"; }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;
};

struct Hdf5Section final : Section {
  std::string path;
  std::string x = "x_train";
  std::string y = "y_train";
  std::optional<std::string> x_test;
  std::optional<std::string> y_test;

  std::string class_name() const override { return "hdf5"; }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;
};

struct IdxSection final : Section {
  std::string x;
  std::string y;
  std::optional<std::string> x_test;
  std::optional<std::string> y_test;

  std::string class_name() const override { return "idx"; }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;
};

struct TextDirectorySection final : Section {
  std::string path;
  std::optional<std::string> test_path;
  std::vector<std::string> classes;  // empty: the folders, sorted

  std::string class_name() const override { return "text_directory"; }

  void fields(FieldVisitor& visit) override;
};

/// What pictures in folders and in lists have in common.
struct PicturesSection : Section {
  std::string label_mode = "int";
  std::vector<std::string> class_names;  // empty: the folders, sorted
  std::string color_mode = "rgb";
  std::int64_t batch_size = 32;
  std::vector<std::int64_t> image_size = {256, 256};  // rows, columns
  bool shuffle = true;
  std::optional<std::int64_t> seed;
  std::optional<double> validation_split;
  std::optional<std::string> subset;  // of validation_split; none: both
  std::string interpolation = "bilinear";
  bool follow_links = false;
  bool crop_to_aspect_ratio = false;
  bool pad_to_aspect_ratio = false;
  std::string data_format = "channels_last";
  std::string on_error = "raise";
  bool scaled_decoding = false;
  bool cache = false;  // as Dataset::cache

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;

  /// Whether a part of its own to validate on is named.
  virtual bool has_validation() const = 0;
};

/// The arguments of image_dataset_from_directory, and the folders of the other
/// parts of the data.
struct ImageDatasetSection final : PicturesSection {
  std::string directory;
  std::optional<std::string> validation_directory;
  std::optional<std::string> test_directory;

  std::string class_name() const override {
    return "image_dataset_from_directory";
  }

  void fields(FieldVisitor& visit) override;

  bool has_validation() const override {
    return validation_directory.has_value();
  }
};

/// The same of CSV files that list pictures.
struct ImageListSection final : PicturesSection {
  std::string path;
  std::optional<std::string> validation_path;
  std::optional<std::string> test_path;
  std::string path_column;   // empty: the first one
  std::string label_column;  // empty: the second one
  std::optional<std::string> directory;

  std::string class_name() const override { return "image_list"; }

  void fields(FieldVisitor& visit) override;

  bool has_validation() const override { return validation_path.has_value(); }
};

/// A feature of the examples in TFRecord files.
struct TfFeatureSection final : Section {
  std::string name;
  std::string dtype = "float32";
  std::vector<std::int64_t> shape;
  bool picture = false;

  std::string class_name() const override { return "feature"; }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;
};

struct TfRecordSection final : Section {
  std::vector<std::string> files;
  std::vector<std::string> validation_files;
  std::vector<std::string> test_files;
  Nested<TfFeatureSection> x;
  Nested<TfFeatureSection> y;
  std::int64_t batch_size = 32;
  std::int64_t shuffle_buffer = 10000;
  std::string on_error = "raise";

  std::string class_name() const override { return "tfrecord"; }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;
};

/// Windows over the rows of a CSV file.
struct TimeseriesSection final : Section {
  std::string path;
  std::vector<std::string> features;  // empty: the target alone
  std::string target;
  std::int64_t sequence_length = 0;
  std::int64_t horizon = 1;  // from the last step of a window to its target
  std::int64_t sequence_stride = 1;
  std::int64_t sampling_rate = 1;
  std::string missing = "raise";
  std::string delimiter = ",";

  std::string class_name() const override { return "timeseries"; }

  void fields(FieldVisitor& visit) override;
};

/// One fold of a cross-validation is the test part.
struct KFoldSection final : Section {
  std::int64_t n_splits = 5;
  std::int64_t fold = 0;
  bool stratify = false;
  std::optional<std::string> groups;  // a column of the CSV file

  std::string class_name() const override { return "k_fold"; }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;
};

/// Layers that batches go through before they reach the model.
class AugmentPart final : public Part {
 public:
  const std::vector<Layer>& layers() const { return layers_; }

  Config schema() const override;

 protected:
  void make(const Config& config, const std::string& where) override;

  void clear() override { layers_.clear(); }

 private:
  std::vector<Layer> layers_;
};

}  // namespace keratin::experiment
