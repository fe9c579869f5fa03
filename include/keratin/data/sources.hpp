#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/data/dataset.hpp>
#include <keratin/data/directory.hpp>
#include <keratin/dtype.hpp>
#include <keratin/export.hpp>
#include <keratin/io/csv.hpp>
#include <keratin/io/tfrecord.hpp>
#include <keratin/shape.hpp>

/// Datasets from files that are read bit by bit.
namespace keratin::data {

class SkipList;

/// A dataset of a file, with what was left out of it.
class KERATIN_API FileDataset : public Dataset {
 public:
  FileDataset(Dataset dataset, std::shared_ptr<const SkipList> skipped);

  /// With on_error "skip": how many elements were left out so far, each place
  /// of a file once.
  std::int64_t skipped_count() const;

  /// Why, of the first thousand: "[x.csv] line 7: ...".
  std::vector<std::string> skipped() const;

 private:
  std::shared_ptr<const SkipList> skipped_;
};

// -- CSV and TSV
// --------------------------------------------------------------

/// How the fields of a column are read.
struct CsvColumn {
  std::string name;
  /// "number", "category" or "text".
  std::string kind = "number";
  DType dtype = DType::f32;  // of numbers
  /// Of a category, whose fields become their places in it, i64. Empty: found
  /// in a pass over the file, sorted.
  std::vector<std::string> categories = {};
  /// In place of a missing number; NaN without, which integers refuse.
  std::optional<double> fill = {};
};

struct CsvDatasetOptions {
  io::CsvOptions csv = {};
  /// The columns to read, in this order. Empty: all, numbers where every field
  /// is one or missing (f32), else categories up to 100 different fields, else
  /// texts; found in a pass over the file.
  std::vector<CsvColumn> columns = {};
  /// The column that becomes y; empty: none. Categories as numbers, i64.
  std::string target = {};
  /// x as one f32[columns] of numbers and categories; else scalars by name.
  bool stacked = false;
  /// Rows without a value: "keep" (NaN or `fill`; -1 as a category; "" as a
  /// text), "skip" the row, or "raise" an error that names the line.
  std::string missing = "keep";
  /// Lines that do not fit: "raise" an error that names the line, or "skip".
  std::string on_error = "raise";
  std::optional<std::int64_t> batch_size = {};  // none: single rows
  /// Rows to draw from, as Dataset::shuffle; none: in the file's order.
  std::optional<std::int64_t> shuffle_buffer = {};
  std::optional<std::uint64_t> seed = {};
};

/// The columns that `options` say, or those of the file, with their kinds and
/// categories as a pass over it finds them. Throws as csv_dataset.
KERATIN_API std::vector<CsvColumn> csv_columns(
    const std::string& path, const CsvDatasetOptions& options = {});

/// The rows of a CSV file, which is streamed: memory does not grow with it.
/// Throws SystemError when the file cannot be opened, InvalidArgument for
/// columns it does not have and options that are none of the above; errors of
/// single lines come with their elements.
KERATIN_API FileDataset
csv_dataset(const std::string& path, const CsvDatasetOptions& options = {});

// -- TFRecord
// -----------------------------------------------------------------

/// The records of TFRecord files, one after the other, string[]. With on_error
/// "skip", a record whose checksum differs is left out, and the rest of a file
/// whose lengths are damaged.
KERATIN_API FileDataset tfrecord_dataset(
    const std::vector<std::string>& paths,
    const std::string& on_error = "raise");

/// A feature of every Example, as tf.io.FixedLenFeature.
struct TfFeature {
  std::string name;
  DType dtype = DType::f32;  // string, f32 or i64; others are cast from these
  Shape shape = {};
  /// Where an Example lacks it; without, that is an error.
  std::optional<Tensor> default_value = {};
  /// A file of a picture: u8[height, width, channels], resized to `shape` when
  /// that has three numbers (f32 then).
  bool picture = false;
};

struct TfExampleOptions {
  std::vector<TfFeature> x;
  std::vector<TfFeature> y = {};
  std::string on_error = "raise";  // or "skip"
  std::optional<std::int64_t> num_parallel_calls = kAutotune;
};

/// Elements of the tf.train.Examples that records hold: x of one feature, or of
/// several by name; y likewise.
KERATIN_API FileDataset
parse_tf_examples(const FileDataset& records, const TfExampleOptions& options);

// -- arrays in files
// ----------------------------------------------------------

struct ArrayDatasetOptions {
  std::string x = "x";
  std::string y = "y";  // empty: none
  std::optional<std::int64_t> batch_size = {};
};

/// The rows of datasets of an HDF5 file, by their paths. The file is read by
/// Keratin's own reader; contiguous numbers are mapped, not loaded. Throws
/// InvalidArgument for a damaged file and for datasets it does not have.
KERATIN_API Dataset
hdf5_dataset(const std::string& path, const ArrayDatasetOptions& options = {});

/// The rows of arrays of an .npz file, by their names. Errors likewise.
KERATIN_API Dataset
npz_dataset(const std::string& path, const ArrayDatasetOptions& options = {});

}  // namespace keratin::data

namespace keratin::utils {

struct ImageListOptions {
  std::string path_column = {};   // empty: the first one
  std::string label_column = {};  // empty: the second one, if there is one
  /// What paths are relative to; empty: the folder of the list.
  std::string directory = {};
  io::CsvOptions csv = {.delimiter = '\0'};
  /// As for folders. `labels`, `label_list`, `follow_links` are the list's; of
  /// numbers that are not whole, label_mode "float": y f32[].
  ImageDatasetOptions images = {};
};

/// Pictures that a CSV file lists, a path and maybe a label a row. Labels that
/// are texts are classes in alphanumeric order (or as `class_names` says),
/// whole numbers are classes themselves. As image_dataset_from_directory
/// otherwise.
KERATIN_API DirectoryDataset image_dataset_from_list(
    const std::string& list, const ImageListOptions& options = {});

/// Both parts of a validation_split.
KERATIN_API std::pair<DirectoryDataset, DirectoryDataset>
image_datasets_from_list(
    const std::string& list, const ImageListOptions& options);

}  // namespace keratin::utils
