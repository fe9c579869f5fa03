#include "src/experiment/sections.hpp"

#include <charconv>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

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

void check_ending(
    const std::string& where,
    const std::optional<std::string>& path,
    std::initializer_list<std::string_view> endings) {
  if (!path) return;
  std::string list;
  for (const std::string_view ending : endings) {
    if (path->ends_with(ending) && path->size() > ending.size()) return;
    list += format("{}{}", list.empty() ? "" : " or ", ending);
  }
  refuse(
      where,
      format("expected a file name that ends in {}, got '{}'", list, *path));
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
}

void CsvSection::check(const std::string& where) const {
  for (const std::string& feature : features) {
    if (feature == target) {
      refuse(
          where + ".features",
          format("expected columns other than the target, got '{}'", target));
    }
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
  visit(
      "label_mode", label_mode, {.choices = {"int", "categorical", "binary"}});
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
  visit("cache", cache);
}

void ImageDatasetSection::check(const std::string& where) const {
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
  if (validation_directory) {
    refuse(
        where + ".validation_split",
        format(
            "expected nothing beside validation_directory, got {}",
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

void DataSection::fields(FieldVisitor& visit) {
  visit(
      "name",
      name,
      {.choices = {
           "digits", "breast_cancer", "mnist", "fashion_mnist", "cifar10"}});
  visit("csv", csv);
  visit("npz", npz);
  visit("idx", idx);
  visit("text_directory", text_directory);
  visit("image_dataset_from_directory", images);
  visit("test_size", test_size, {.minimum = 0});
  visit("shuffle", shuffle);
  visit("stratify", stratify);
  visit("seed", seed, {.minimum = 0});
  visit("standardize", standardize);
  visit("one_hot", one_hot);
}

void DataSection::check(const std::string& where) const {
  const int sources = (name ? 1 : 0) + (csv ? 1 : 0) + (npz ? 1 : 0) +
                      (idx ? 1 : 0) + (text_directory ? 1 : 0) +
                      (images ? 1 : 0);
  if (sources != 1) {
    refuse(
        where,
        format(
            "expected one of name, csv, npz, idx, text_directory and "
            "image_dataset_from_directory, got {}",
            sources));
  }
  if (images) check_for_pictures(where);
  if (!shuffle && stratify.value_or(false)) {
    refuse(where + ".stratify", "expected false without shuffle, got true");
  }
}

void DataSection::check_for_pictures(const std::string& where) const {
  const auto none = [&](const char* key, bool given, const char* instead) {
    if (!given) return;
    refuse(
        format("{}.{}", where, key),
        format(
            "expected nothing beside image_dataset_from_directory, whose {} "
            "does that",
            instead));
  };
  none("test_size", test_size.has_value(), "test_directory");
  none("stratify", stratify.has_value(), "test_directory");
  none("one_hot", one_hot, "label_mode 'categorical'");
  if (standardize) {
    refuse(
        where + ".standardize",
        "expected false for pictures, got true; put a Rescaling or a "
        "Normalization into the model");
  }
}

void FitSection::fields(FieldVisitor& visit) {
  visit("batch_size", batch_size, {.minimum = 1});
  visit("epochs", epochs, {.minimum = 0});
  visit("verbose", verbose, {.minimum = 0, .maximum = 2});
  visit("validation_split", validation_split, {.minimum = 0, .maximum = 1});
  visit(
      "validation_data", validation_data, {.choices = {"validation", "test"}});
  visit("shuffle", shuffle);
  visit("class_weight", class_weight);
  visit("initial_epoch", initial_epoch, {.minimum = 0});
  visit("steps_per_epoch", steps_per_epoch, {.minimum = 1});
  visit("validation_steps", validation_steps, {.minimum = 1});
  visit("validation_batch_size", validation_batch_size, {.minimum = 1});
  visit("validation_freq", validation_freq, {.minimum = 1});
}

namespace {

std::map<std::int64_t, double> read_class_weight(
    const Config& config, const std::string& where) {
  std::map<std::int64_t, double> weights;
  if (config.is_null()) return weights;
  if (!config.is_object()) {
    refuse(
        where,
        format(
            "expected an object of class and weight, got {}", config.kind()));
  }
  for (const auto& [key, value] : config.as_object()) {
    std::int64_t label = 0;
    const char* const end = key.data() + key.size();
    const auto [rest, error] = std::from_chars(key.data(), end, label);
    if (error != std::errc{} || rest != end || label < 0) {
      refuse(where, format("expected a class number, got '{}'", key));
    }
    if (!value.is_number() || value.as_number() < 0) {
      refuse(
          where + "." + key,
          format("expected a number >= 0, got {}", value.dump()));
    }
    weights[label] = value.as_number();
  }
  return weights;
}

}  // namespace

void FitSection::check(const std::string& where) const {
  if (validation_split >= 1) {
    refuse(
        where + ".validation_split",
        format("expected a number below 1, got {}", validation_split));
  }
  if (validation_data && validation_split > 0) {
    refuse(
        where + ".validation_data",
        format(
            "expected nothing beside validation_split, got '{}'",
            *validation_data));
  }
  read_class_weight(class_weight, where + ".class_weight");
}

FitArguments FitSection::arguments() const {
  FitArguments out;
  if (batch_size) out.batch_size = *batch_size;
  out.epochs = epochs;
  if (verbose) out.verbose = static_cast<int>(*verbose);
  out.validation_split = validation_split;
  out.shuffle = shuffle;
  out.class_weight = read_class_weight(class_weight, "class_weight");
  out.initial_epoch = initial_epoch;
  out.steps_per_epoch = steps_per_epoch;
  out.validation_steps = validation_steps;
  out.validation_batch_size = validation_batch_size;
  out.validation_freq = validation_freq;
  return out;
}

void OutputSection::fields(FieldVisitor& visit) {
  visit("model", model);
  visit("weights", weights);
  visit("history", history);
  visit("predictions", predictions);
}

void OutputSection::check(const std::string& where) const {
  check_ending(where + ".model", model, {".keras"});
  check_ending(where + ".weights", weights, {".weights.h5"});
  check_ending(where + ".history", history, {".csv", ".json"});
  check_ending(where + ".predictions", predictions, {".npy"});
}

}  // namespace keratin::experiment
