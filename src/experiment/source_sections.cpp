#include "src/experiment/source_sections.hpp"

#include <initializer_list>
#include <string_view>

#include <keratin/dtype.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/experiment/short_form.hpp"

namespace keratin::experiment {

namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw InvalidArgument(format("[{}] {}", where, what));
}

/// Both or neither.
template <class T>
void check_pair(
    const std::string& where,
    const char* a,
    const std::optional<T>& x,
    const char* b,
    const std::optional<T>& y) {
  if (x.has_value() == y.has_value()) return;
  refuse(
      where,
      format("expected {} and {} together, got {} alone", a, b, x ? a : b));
}

}  // namespace

void CsvSection::fields(FieldVisitor& visit) {
  visit("path", path, {.required = true});
  visit("test_path", test_path);
  visit("target", target, {.required = true});
  visit("features", features);
  visit("classes", classes);
  visit("header", header);
  visit("delimiter", delimiter, {.choices = {",", ";", "\t", "|", "auto"}});
  visit("missing", missing);
  visit("missing_values", missing_values);
  visit("on_error", on_error, {.choices = {"raise", "skip"}});
  visit("stream", stream);
  visit("batch_size", batch_size, {.minimum = 1});
  visit("shuffle_buffer", shuffle_buffer, {.minimum = 1});
}

void CsvSection::check(const std::string& where) const {
  for (const std::string& feature : features) {
    if (feature == target) {
      refuse(
          where + ".features",
          format("expected columns other than the target, got '{}'", target));
    }
  }
  if (on_error == "skip" && !stream) {
    refuse(
        where + ".on_error",
        "expected 'raise' for a csv that is read whole, got 'skip'; say "
        "stream");
  }
  if (missing_values.is_null()) return;
  const std::string at = where + ".missing_values";
  if (!missing_values.is_object()) {
    refuse(
        at,
        format(
            "expected an object of columns and lists of texts, got {}",
            missing_values.kind()));
  }
  for (const auto& [column, texts] : missing_values.as_object()) {
    bool good = texts.is_array();
    for (std::size_t i = 0; good && i < texts.size(); ++i) {
      good = texts.as_array()[i].is_string();
    }
    if (good) continue;
    refuse(
        at + "." + column,
        format("expected a list of texts, got {}", texts.dump()));
  }
  if (stream) {
    refuse(at, "expected none for a csv that is streamed; say missing");
  }
}

void NpzSection::fields(FieldVisitor& visit) {
  visit("path", path, {.required = true});
  visit("x", x);
  visit("y", y);
  visit("x_test", x_test);
  visit("y_test", y_test);
}

void NpzSection::check(const std::string& where) const {
  check_pair(where, "x_test", x_test, "y_test", y_test);
}

void Hdf5Section::fields(FieldVisitor& visit) {
  visit("path", path, {.required = true});
  visit("x", x);
  visit("y", y);
  visit("x_test", x_test);
  visit("y_test", y_test);
}

void Hdf5Section::check(const std::string& where) const {
  check_pair(where, "x_test", x_test, "y_test", y_test);
}

void IdxSection::fields(FieldVisitor& visit) {
  visit("x", x, {.required = true});
  visit("y", y, {.required = true});
  visit("x_test", x_test);
  visit("y_test", y_test);
}

void IdxSection::check(const std::string& where) const {
  check_pair(where, "x_test", x_test, "y_test", y_test);
}

void TextDirectorySection::fields(FieldVisitor& visit) {
  visit("path", path, {.required = true});
  visit("test_path", test_path);
  visit("classes", classes);
}

void ImageDatasetSection::fields(FieldVisitor& visit) {
  visit("directory", directory, {.required = true});
  visit("validation_directory", validation_directory);
  visit("test_directory", test_directory);
  PicturesSection::fields(visit);
}

void ImageListSection::fields(FieldVisitor& visit) {
  visit("path", path, {.required = true});
  visit("validation_path", validation_path);
  visit("test_path", test_path);
  visit("path_column", path_column);
  visit("label_column", label_column);
  visit("directory", directory);
  PicturesSection::fields(visit);
}

void PicturesSection::fields(FieldVisitor& visit) {
  visit(
      "label_mode",
      label_mode,
      {.choices = {"int", "categorical", "binary", "float"}});
  visit("class_names", class_names);
  visit("color_mode", color_mode, {.choices = {"rgb", "grayscale", "rgba"}});
  visit("batch_size", batch_size, {.minimum = 1});
  visit("image_size", image_size);
  visit("shuffle", shuffle);
  visit("seed", seed, {.minimum = 0, .maximum = 4294967295.0});
  visit("validation_split", validation_split, {.minimum = 0, .maximum = 1});
  visit("subset", subset, {.choices = {"training", "validation", "both"}});
  visit(
      "interpolation",
      interpolation,
      {.choices = {
           "bilinear",
           "nearest",
           "bicubic",
           "area",
           "lanczos3",
           "lanczos5",
           "gaussian",
           "mitchellcubic"}});
  visit("follow_links", follow_links);
  visit("crop_to_aspect_ratio", crop_to_aspect_ratio);
  visit("pad_to_aspect_ratio", pad_to_aspect_ratio);
  visit(
      "data_format",
      data_format,
      {.choices = {"channels_last", "channels_first"}});
  visit("on_error", on_error, {.choices = {"raise", "skip"}});
  visit("scaled_decoding", scaled_decoding);
  visit("cache", cache);
}

void PicturesSection::check(const std::string& where) const {
  const bool two = image_size.size() == 2;
  if (!two || image_size[0] < 1 || image_size[1] < 1) {
    refuse(
        where + ".image_size",
        format(
            "expected rows and columns, e.g. [224, 224], got {}",
            Config::ints(image_size).dump()));
  }
  if (crop_to_aspect_ratio && pad_to_aspect_ratio) {
    refuse(
        where + ".pad_to_aspect_ratio",
        "expected false beside crop_to_aspect_ratio, got true");
  }
  if (subset && !validation_split) {
    refuse(
        where + ".subset",
        format("expected validation_split beside it, got '{}' alone", *subset));
  }
  if (!validation_split) return;
  if (has_validation()) {
    refuse(
        where + ".validation_split",
        format(
            "expected nothing beside data of their own to validate on, got {}",
            *validation_split));
  }
  if (*validation_split <= 0 || *validation_split >= 1) {
    refuse(
        where + ".validation_split",
        format("expected a number between 0 and 1, got {}", *validation_split));
  }
  if (shuffle && !seed) {
    refuse(
        where + ".seed",
        "expected a number beside validation_split, so that the parts do not "
        "overlap, got none");
  }
}

void TfFeatureSection::fields(FieldVisitor& visit) {
  visit("name", name, {.required = true});
  visit(
      "dtype",
      dtype,
      {.choices = {"float32", "float64", "int64", "int32", "uint8", "string"}});
  visit("shape", shape);
  visit("picture", picture);
}

void TfFeatureSection::check(const std::string& where) const {
  for (const std::int64_t extent : shape) {
    if (extent >= 1) continue;
    refuse(
        where + ".shape",
        format("expected numbers >= 1, got {}", Config::ints(shape).dump()));
  }
  const bool is_picture =
      shape.size() == 3 && (shape[2] == 1 || shape[2] == 3 || shape[2] == 4);
  if (picture && !is_picture) {
    refuse(
        where + ".shape",
        format(
            "expected rows, columns and 1, 3 or 4 channels of a picture, got "
            "{}",
            Config::ints(shape).dump()));
  }
}

void TfRecordSection::fields(FieldVisitor& visit) {
  visit("files", files, {.required = true});
  visit("validation_files", validation_files);
  visit("test_files", test_files);
  visit("x", x, {.required = true});
  visit("y", y, {.required = true});
  visit("batch_size", batch_size, {.minimum = 1});
  visit("shuffle_buffer", shuffle_buffer, {.minimum = 1});
  visit("on_error", on_error, {.choices = {"raise", "skip"}});
}

void TfRecordSection::check(const std::string& where) const {
  if (files.empty()) {
    refuse(where + ".files", "expected at least one file, got none");
  }
}

void TimeseriesSection::fields(FieldVisitor& visit) {
  visit("path", path, {.required = true});
  visit("features", features);
  visit("target", target, {.required = true});
  visit("sequence_length", sequence_length, {.required = true, .minimum = 1});
  visit("horizon", horizon, {.minimum = 1});
  visit("sequence_stride", sequence_stride, {.minimum = 1});
  visit("sampling_rate", sampling_rate, {.minimum = 1});
  visit("missing", missing, {.choices = {"raise", "previous"}});
  visit("delimiter", delimiter, {.choices = {",", ";", "\t", "|", "auto"}});
}

void KFoldSection::fields(FieldVisitor& visit) {
  visit("n_splits", n_splits, {.minimum = 2});
  visit("fold", fold, {.minimum = 0});
  visit("stratify", stratify);
  visit("groups", groups);
}

void KFoldSection::check(const std::string& where) const {
  if (fold < n_splits) return;
  refuse(
      where + ".fold",
      format("expected a number below n_splits, {}, got {}", n_splits, fold));
}

void AugmentPart::make(const Config& config, const std::string& where) {
  if (!config.is_array() || config.size() == 0) {
    refuse(
        where,
        format(
            "expected a list of layers, as in [{{\"MixUp\": {{\"alpha\": "
            "0.2}}}}], got {}",
            config.is_array() ? "an empty one" : config.kind()));
  }
  std::vector<Layer> made;
  for (std::size_t i = 0; i < config.size(); ++i) {
    made.push_back(deserialize_layer(
        expand_short_forms(config.as_array()[i]), format("{}[{}]", where, i)));
  }
  layers_ = std::move(made);
}

}  // namespace keratin::experiment
