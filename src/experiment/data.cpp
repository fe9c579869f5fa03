#include "src/experiment/data.hpp"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <utility>

#include <keratin/data/augment.hpp>
#include <keratin/data/imputer.hpp>
#include <keratin/data/scaler.hpp>
#include <keratin/data/split.hpp>
#include <keratin/datasets.hpp>
#include <keratin/error.hpp>
#include <keratin/io/hdf5.hpp>
#include <keratin/io/idx.hpp>
#include <keratin/io/npy.hpp>
#include <keratin/utils.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/experiment/csv_data.hpp"
#include "src/experiment/image_directory.hpp"
#include "src/experiment/stream_data.hpp"
#include "src/experiment/text_directory.hpp"

namespace keratin::experiment {

namespace {

/// The test part of a data set that has none of its own.
constexpr double kTestShare = 0.2;

void check_readable(
    const std::string& folder,
    const std::string& path,
    const std::string& where) {
  const std::string file = resolve(folder, path);
  if (std::filesystem::is_regular_file(file) &&
      ::access(file.c_str(), R_OK) == 0) {
    return;
  }
  throw InvalidArgument(
      format("[{}] expected a file that can be read, got '{}'", where, file));
}

void check_readable(
    const std::string& folder,
    const std::optional<std::string>& path,
    const std::string& where) {
  if (path) check_readable(folder, *path, where);
}

Tensor npz_array(
    const std::map<std::string, Tensor>& arrays,
    const std::string& name,
    const std::string& where) {
  const auto found = arrays.find(name);
  if (found != arrays.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, value] : arrays) names.push_back(known);
  throw InvalidArgument(format(
      "[{}] the file has no array '{}'{}",
      where,
      name,
      did_you_mean(name, names)));
}

ExperimentData from_npz(
    const NpzSection& section,
    const std::string& folder,
    const std::string& where) {
  const auto arrays = io::load_npz(resolve(folder, section.path));
  ExperimentData out;
  out.train.x = npz_array(arrays, section.x, where + ".x");
  out.train.y = npz_array(arrays, section.y, where + ".y");
  if (section.x_test) {
    out.test.x = npz_array(arrays, *section.x_test, where + ".x_test");
    out.test.y = npz_array(arrays, *section.y_test, where + ".y_test");
  } else if (
      section.x == "x_train" && section.y == "y_train" &&
      arrays.contains("x_test") && arrays.contains("y_test")) {
    out.test = data::Examples{arrays.at("x_test"), arrays.at("y_test")};
  }
  return out;
}

ExperimentData from_hdf5(
    const Hdf5Section& section, const std::string& folder) {
  const io::Hdf5File file(resolve(folder, section.path));
  ExperimentData out;
  out.train = data::Examples{file.read(section.x), file.read(section.y)};
  if (section.x_test) {
    out.test =
        data::Examples{file.read(*section.x_test), file.read(*section.y_test)};
  }
  return out;
}

ExperimentData from_idx(const IdxSection& section, const std::string& folder) {
  ExperimentData out;
  out.train.x = io::load_idx(resolve(folder, section.x));
  out.train.y = io::load_idx(resolve(folder, section.y));
  if (section.x_test) {
    out.test.x = io::load_idx(resolve(folder, *section.x_test));
    out.test.y = io::load_idx(resolve(folder, *section.y_test));
  }
  return out;
}

ExperimentData from_name(const std::string& name) {
  const auto both = [](data::TrainTest parts) {
    ExperimentData out;
    out.train = std::move(parts.train);
    out.test = std::move(parts.test);
    return out;
  };
  if (name == "mnist") return both(datasets::mnist());
  if (name == "fashion_mnist") return both(datasets::fashion_mnist());
  if (name == "cifar10") return both(datasets::cifar10());
  if (name == "cifar100") return both(datasets::cifar100());
  if (name == "boston_housing") return both(datasets::boston_housing());
  if (name == "california_housing") {
    return both(datasets::california_housing());
  }
  ExperimentData out;
  if (name == "breast_cancer") {
    datasets::LabelledTable table = datasets::breast_cancer();
    out.train = data::Examples{std::move(table.x), std::move(table.y)};
  } else {
    out.train = datasets::digits();
  }
  return out;
}

/// Whether the targets are classes, one a row.
bool are_classes(const Tensor& y) {
  return y.rank() == 1 && !is_floating(y.dtype());
}

/// Makes one fold the test part. `groups`: of the rows; empty without.
void take_fold(
    const DataSection& section,
    const std::string& where,
    const Tensor& groups,
    ExperimentData& out) {
  const KFoldSection& wanted = *section.k_fold;
  data::KFoldOptions options;
  options.n_splits = wanted.n_splits;
  options.shuffle = section.shuffle;
  options.seed = static_cast<std::uint64_t>(section.seed);
  std::vector<data::Fold> folds;
  try {
    if (groups.size() > 0) {
      folds = wanted.stratify
                  ? data::stratified_group_k_fold(out.train.y, groups, options)
                  : data::group_k_fold(groups, options);
    } else {
      folds = wanted.stratify ? data::stratified_k_fold(out.train.y, options)
                              : data::k_fold(out.train.y.shape()[0], options);
    }
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format("[{}.k_fold] {}", where, error.what()));
  }
  const data::Fold& fold = folds[static_cast<std::size_t>(wanted.fold)];
  const data::Examples all = out.train;
  out.train = data::Examples{all.x.take(fold.train), all.y.take(fold.train)};
  out.test = data::Examples{all.x.take(fold.test), all.y.take(fold.test)};
}

void split(
    const DataSection& section,
    const std::string& where,
    const Tensor& groups,
    ExperimentData& out) {
  if (section.k_fold) {
    if (out.has_test()) {
      throw InvalidArgument(format(
          "[{}.k_fold] expected data without a test part of their own", where));
    }
    take_fold(section, where, groups, out);
    return;
  }
  if (out.has_test()) {
    if (section.test_size) {
      throw InvalidArgument(format(
          "[{}.test_size] expected nothing for data with a test part of their "
          "own, got {}",
          where,
          *section.test_size));
    }
    return;
  }
  const double share =
      section.test_size.value_or(section.name ? kTestShare : 0.0);
  if (share == 0) return;
  data::SplitOptions options;
  options.test_size = share;
  options.seed = static_cast<std::uint64_t>(section.seed);
  options.shuffle = section.shuffle;
  options.stratify =
      section.stratify.value_or(section.shuffle && are_classes(out.train.y));
  data::TrainTest parts;
  try {
    parts = data::train_test_split(out.train.x, out.train.y, options);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format("[{}] {}", where, error.what()));
  }
  out.train = std::move(parts.train);
  out.test = std::move(parts.test);
}

/// Puts numbers learnt on the training part in place of NaNs.
void impute(
    const std::string& strategy,
    const std::string& where,
    ExperimentData& out) {
  try {
    data::SimpleImputer imputer(strategy);
    out.train.x = imputer.fit_transform(out.train.x);
    if (out.has_test()) out.test.x = imputer.transform(out.test.x);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format("[{}.impute] {}", where, error.what()));
  }
}

/// Batches of the training part that go through the layers of augment.
void augment(const DataSection& section, ExperimentData& out) {
  const auto seed = static_cast<std::uint64_t>(section.seed);
  if (!out.train.batches) {
    constexpr std::int64_t kBatch = 32;
    const std::int64_t rows = out.train.x.shape()[0];
    const auto batches_of = [&](const DataPart& part, bool shuffle) {
      data::Dataset examples =
          data::Dataset::from_tensor_slices(part.x, part.y);
      if (shuffle) examples = examples.shuffle(rows, {.seed = seed});
      return examples.batch(section.batch_size.value_or(kBatch));
    };
    out.train.batches = batches_of(out.train, section.shuffle);
  }
  out.train.batches =
      data::augment(
          *out.train.batches, section.augment.layers(), {.seed = seed})
          .prefetch(data::kAutotune);
}

void encode(ExperimentData& out) {
  Tensor all = out.train.y;
  if (out.has_test()) {
    const std::vector<Tensor> parts = {out.train.y, out.test.y};
    all = concatenate(parts);
  }
  const Tensor encoded = utils::to_categorical(all).cast(DType::f32);
  const std::int64_t rows = out.train.y.shape()[0];
  out.train.y = encoded.slice(0, rows);
  if (out.has_test()) out.test.y = encoded.slice(rows, encoded.shape()[0]);
}

}  // namespace

void check_data_files(
    const DataSection& section,
    const std::string& folder,
    const std::string& where) {
  if (section.csv) {
    const std::string path = where + ".csv";
    check_readable(folder, section.csv->path, path + ".path");
    check_readable(folder, section.csv->test_path, path + ".test_path");
  }
  if (section.npz) check_readable(folder, section.npz->path, where + ".npz");
  if (section.hdf5) {
    check_readable(folder, section.hdf5->path, where + ".hdf5.path");
  }
  if (section.timeseries) {
    check_readable(folder, section.timeseries->path, where + ".timeseries");
  }
  if (section.image_list) {
    const std::string path = where + ".image_list";
    check_readable(folder, section.image_list->path, path + ".path");
    check_readable(
        folder, section.image_list->validation_path, path + ".validation_path");
    check_readable(folder, section.image_list->test_path, path + ".test_path");
  }
  if (section.tfrecord) {
    const auto& records = *section.tfrecord;
    for (const auto* files :
         {&records.files, &records.validation_files, &records.test_files}) {
      for (const std::string& file : *files) {
        check_readable(folder, file, where + ".tfrecord");
      }
    }
  }
  if (section.idx) {
    const std::string path = where + ".idx";
    check_readable(folder, section.idx->x, path + ".x");
    check_readable(folder, section.idx->y, path + ".y");
    check_readable(folder, section.idx->x_test, path + ".x_test");
    check_readable(folder, section.idx->y_test, path + ".y_test");
  }
  if (section.images) {
    check_image_directories(
        *section.images, folder, where + ".image_dataset_from_directory");
  }
  if (section.text_directory) {
    const auto& texts = *section.text_directory;
    const std::string path = where + ".text_directory";
    check_text_directory(resolve(folder, texts.path), path + ".path");
    if (texts.test_path) {
      check_text_directory(resolve(folder, *texts.test_path), path);
    }
  }
}

ExperimentData load_data(
    const DataSection& section,
    const std::string& folder,
    const std::string& where,
    bool verbose) {
  check_data_files(section, folder, where);
  ExperimentData out;
  if (section.streams()) {
    if (section.images) {
      out = open_image_directories(
          *section.images,
          folder,
          where + ".image_dataset_from_directory",
          verbose);
    } else if (section.image_list) {
      out = open_image_lists(
          *section.image_list, folder, where + ".image_list", verbose);
    } else if (section.tfrecord) {
      out = open_records(*section.tfrecord, folder, section.seed);
    } else {
      out = stream_csv(*section.csv, folder, section.seed);
    }
    if (section.augment.given()) augment(section, out);
    return out;
  }
  Tensor groups(DType::i64, {0});
  if (section.csv) {
    out = read_csv_data(*section.csv, folder, !section.impute);
    if (section.k_fold && section.k_fold->groups) {
      groups = read_csv_column(*section.csv, folder, *section.k_fold->groups);
    }
  } else if (section.timeseries) {
    out = read_timeseries(section, folder, where);
    if (section.augment.given()) augment(section, out);
    return out;
  } else if (section.hdf5) {
    out = from_hdf5(*section.hdf5, folder);
  } else if (section.npz) {
    out = from_npz(*section.npz, folder, where + ".npz");
  } else if (section.idx) {
    out = from_idx(*section.idx, folder);
  } else if (section.text_directory) {
    const auto& texts = *section.text_directory;
    const std::string path = where + ".text_directory";
    out.train =
        read_text_directory(resolve(folder, texts.path), texts.classes, path);
    if (texts.test_path) {
      out.test = read_text_directory(
          resolve(folder, *texts.test_path), texts.classes, path);
    }
  } else {
    out = from_name(*section.name);
  }
  split(section, where, groups, out);
  if (section.one_hot) encode(out);
  if (section.impute) impute(*section.impute, where, out);
  if (section.standardize) {
    if (out.train.x.dtype() == DType::string) {
      throw InvalidArgument(format(
          "[{}.standardize] expected numbers, got texts; TextVectorization has "
          "an argument of that name",
          where));
    }
    data::StandardScaler scaler;
    out.train.x = scaler.fit_transform(out.train.x);
    if (out.has_test()) out.test.x = scaler.transform(out.test.x);
  }
  if (section.augment.given()) augment(section, out);
  return out;
}

}  // namespace keratin::experiment
