#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/fields.hpp>
#include <keratin/training.hpp>

#include "src/core/fields.hpp"

/// The parts of a config, each a struct whose fields are listed once: reading,
/// checking and the JSON Schema all come from the list.
namespace keratin::experiment {

/// A part of a config.
class Section : public Serializable {
 public:
  std::string module() const override { return "keratin"; }

  /// What fields alone do not say; throws InvalidArgument starting with
  /// `where`.
  virtual void check(const std::string& where) const { (void)where; }
};

/// A field that is a section, or absent.
template <class T>
class Nested final : public FieldValue {
 public:
  explicit operator bool() const { return value_ != nullptr; }

  const T* operator->() const { return value_.get(); }

  const T& operator*() const { return *value_; }

  /// The section, with its defaults when it was absent.
  const T& or_default() const {
    static const T defaults;
    return value_ ? *value_ : defaults;
  }

  Config to_config() const override {
    return value_ ? value_->get_config() : Config();
  }

  void from_config(const Config& config, const std::string& where) override {
    if (config.is_null()) {
      value_.reset();
      return;
    }
    auto made = std::make_unique<T>();
    made->from_config(config, where);
    made->check(where);
    value_ = std::move(made);
  }

  Config schema() const override {
    T defaults;
    return fields_schema(defaults);
  }

 private:
  std::unique_ptr<T> value_;
};

struct CsvSection final : Section {
  std::string path;
  std::optional<std::string> test_path;
  std::string target;
  std::vector<std::string> features;  // empty: every other column
  std::vector<std::string> classes;   // of a target of texts; empty: sorted
  bool header = true;
  std::string delimiter = ",";

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

/// The arguments of image_dataset_from_directory, and the folders of the other
/// parts of the data.
struct ImageDatasetSection final : Section {
  std::string directory;
  std::optional<std::string> validation_directory;
  std::optional<std::string> test_directory;
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
  bool cache = false;  // as Dataset::cache

  std::string class_name() const override {
    return "image_dataset_from_directory";
  }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;
};

struct DataSection final : Section {
  std::optional<std::string> name;
  Nested<CsvSection> csv;
  Nested<NpzSection> npz;
  Nested<IdxSection> idx;
  Nested<TextDirectorySection> text_directory;
  Nested<ImageDatasetSection> images;
  std::optional<double> test_size;
  bool shuffle = true;
  std::optional<bool> stratify;
  std::int64_t seed = 0;
  bool standardize = false;
  bool one_hot = false;

  std::string class_name() const override { return "data"; }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;

 private:
  void check_for_pictures(const std::string& where) const;
};

struct FitSection final : Section {
  std::optional<std::int64_t> batch_size;  // none: 32, or the data's own
  std::int64_t epochs = 1;
  std::optional<std::int64_t> verbose;
  double validation_split = 0;
  std::optional<std::string> validation_data;  // "validation" or "test"
  bool shuffle = true;
  Config class_weight;
  std::int64_t initial_epoch = 0;
  std::optional<std::int64_t> steps_per_epoch;
  std::optional<std::int64_t> validation_steps;
  std::optional<std::int64_t> validation_batch_size;
  std::int64_t validation_freq = 1;

  std::string class_name() const override { return "fit"; }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;

  /// Without callbacks and validation data.
  FitArguments arguments() const;
};

struct OutputSection final : Section {
  std::optional<std::string> model;
  std::optional<std::string> weights;
  std::optional<std::string> history;
  std::optional<std::string> predictions;

  std::string class_name() const override { return "output"; }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;
};

}  // namespace keratin::experiment
