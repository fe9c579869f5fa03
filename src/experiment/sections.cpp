#include "src/experiment/sections.hpp"

#include <charconv>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::experiment {

namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw InvalidArgument(format("[{}] {}", where, what));
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

void DataSection::fields(FieldVisitor& visit) {
  visit(
      "name",
      name,
      {.choices = {
           "digits",
           "breast_cancer",
           "mnist",
           "fashion_mnist",
           "cifar10",
           "cifar100",
           "boston_housing",
           "california_housing"}});
  visit("csv", csv);
  visit("npz", npz);
  visit("idx", idx);
  visit("hdf5", hdf5);
  visit("text_directory", text_directory);
  visit("image_dataset_from_directory", images);
  visit("image_list", image_list);
  visit("tfrecord", tfrecord);
  visit("timeseries", timeseries);
  visit("test_size", test_size, {.minimum = 0});
  visit("k_fold", k_fold);
  visit("shuffle", shuffle);
  visit("stratify", stratify);
  visit("seed", seed, {.minimum = 0});
  visit("impute", impute, {.choices = {"mean", "median", "most_frequent"}});
  visit("standardize", standardize);
  visit("one_hot", one_hot);
  visit("batch_size", batch_size, {.minimum = 1});
  visit("augment", augment);
}

void DataSection::check(const std::string& where) const {
  const int sources =
      (name ? 1 : 0) + (csv ? 1 : 0) + (npz ? 1 : 0) + (idx ? 1 : 0) +
      (hdf5 ? 1 : 0) + (text_directory ? 1 : 0) + (images ? 1 : 0) +
      (image_list ? 1 : 0) + (tfrecord ? 1 : 0) + (timeseries ? 1 : 0);
  if (sources != 1) {
    refuse(
        where,
        format(
            "expected one of name, csv, npz, idx, hdf5, text_directory, "
            "image_dataset_from_directory, image_list, tfrecord and "
            "timeseries, got {}",
            sources));
  }
  if (streams()) check_streams(where);
  if (!shuffle && stratify.value_or(false)) {
    refuse(where + ".stratify", "expected false without shuffle, got true");
  }
  if (batch_size && (streams() || !augment.given())) {
    refuse(
        where + ".batch_size",
        streams() ? "expected it in the source of the data"
                  : "expected it beside augment alone; say $.fit.batch_size");
  }
  if (!k_fold) return;
  if (test_size) {
    refuse(
        where + ".test_size",
        "expected nothing beside k_fold, whose fold is the test part");
  }
  if (timeseries) {
    refuse(
        where + ".k_fold",
        "expected none for a time series, whose future must not be learnt "
        "from; give test_size");
  }
  if (k_fold->groups && !csv) {
    refuse(
        where + ".k_fold.groups",
        "expected a column of a csv, got data without columns");
  }
}

void DataSection::check_streams(const std::string& where) const {
  const bool pictures = images || image_list;
  const std::string kind = images       ? "image_dataset_from_directory"
                           : image_list ? "image_list"
                           : tfrecord   ? "tfrecord"
                                        : "a csv that is streamed";
  const auto none = [&](const char* key, bool given, const char* instead) {
    if (!given) return;
    refuse(
        format("{}.{}", where, key),
        format("expected nothing beside {}, {}", kind, instead));
  };
  const char* const test = images     ? "whose test_directory does that"
                           : tfrecord ? "whose test_files do that"
                                      : "whose test_path does that";
  none("test_size", test_size.has_value(), test);
  none("stratify", stratify.has_value(), test);
  none("k_fold", static_cast<bool>(k_fold), test);
  none(
      "one_hot",
      one_hot,
      pictures ? "whose label_mode 'categorical' does that"
               : "whose classes are numbers; take a loss for these");
  none("impute", impute.has_value(), "whose numbers are not known beforehand");
  if (standardize) {
    refuse(
        where + ".standardize",
        format(
            "expected false for {}, got true; put a Rescaling or a "
            "Normalization into the model",
            pictures ? "pictures" : "data in batches"));
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
            "expected an object of class and weight, or \"balanced\", got {}",
            config.is_string() ? config.dump() : std::string(config.kind())));
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
  if (!balanced()) read_class_weight(class_weight, where + ".class_weight");
}

FitArguments FitSection::arguments() const {
  FitArguments out;
  if (batch_size) out.batch_size = *batch_size;
  out.epochs = epochs;
  if (verbose) out.verbose = static_cast<int>(*verbose);
  out.validation_split = validation_split;
  out.shuffle = shuffle;
  if (!balanced()) {
    out.class_weight = read_class_weight(class_weight, "class_weight");
  }
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
