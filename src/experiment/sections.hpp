#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/fields.hpp>
#include <keratin/training.hpp>

#include "src/experiment/part.hpp"
#include "src/experiment/section.hpp"
#include "src/experiment/source_sections.hpp"

/// The parts of a config, each a struct whose fields are listed once: reading,
/// checking and the JSON Schema all come from the list.
namespace keratin::experiment {

struct DataSection final : Section {
  std::optional<std::string> name;
  Nested<CsvSection> csv;
  Nested<NpzSection> npz;
  Nested<IdxSection> idx;
  Nested<Hdf5Section> hdf5;
  Nested<TextDirectorySection> text_directory;
  Nested<ImageDatasetSection> images;
  Nested<ImageListSection> image_list;
  Nested<TfRecordSection> tfrecord;
  Nested<TimeseriesSection> timeseries;
  std::optional<double> test_size;
  Nested<KFoldSection> k_fold;
  bool shuffle = true;
  std::optional<bool> stratify;
  std::int64_t seed = 0;
  std::optional<std::string> impute;
  bool standardize = false;
  bool one_hot = false;
  std::optional<std::int64_t> batch_size;  // of batches made of arrays
  AugmentPart augment;

  std::string class_name() const override { return "data"; }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;

  /// Whether the source itself gives batches.
  bool streams() const {
    return images || image_list || tfrecord || (csv && csv->stream);
  }

  /// Whether fit gets batches.
  bool gives_batches() const { return streams() || augment.given(); }

 private:
  void check_streams(const std::string& where) const;
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

  /// Whether class weights come from the counts of the training part.
  bool balanced() const {
    return class_weight.is_string() && class_weight.as_string() == "balanced";
  }

  /// Without callbacks, validation data and balanced class weights.
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
