#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/tensor.hpp>

namespace keratin::io {

struct CsvOptions {
  /// Between fields. '\0' takes whichever of , ; tab | the first line has most.
  char delimiter = ',';
  /// Whether the first line names the columns; else they are "0", "1", ...
  bool header = true;
  /// Texts that mean "no value" (case as written, blanks around them removed).
  std::vector<std::string> missing = {
      "", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"};
};

/// A table of named columns, each of numbers or of texts: one is of numbers
/// when every value that is not missing is. Cheap to copy, never changed.
class KERATIN_API Table {
 public:
  Table();  // no columns, no rows
  ~Table();
  Table(const Table&);
  Table& operator=(const Table&);

  std::int64_t rows() const;

  /// Column names, in the file's order.
  const std::vector<std::string>& columns() const;

  bool contains(std::string_view column) const;

  // Each of the following throws InvalidArgument, naming the nearest column,
  // when there is none of that name.

  bool is_numeric(std::string_view column) const;

  /// The column: f64[rows], missing values as NaN; or string[rows], missing
  /// values as "".
  Tensor column(std::string_view column) const;

  /// string[rows] of any column, as written.
  Tensor text(std::string_view column) const;

  /// [rows, columns] of the columns named, in that order, missing values as
  /// NaN. InvalidArgument naming the line of the first value that is no number.
  Tensor numeric(
      const std::vector<std::string>& columns, DType dtype = DType::f32) const;

  /// As above, of every numeric column except the ones named.
  Tensor numeric_except(
      const std::vector<std::string>& columns, DType dtype = DType::f32) const;

  /// Numbers the distinct texts of a column: i64[rows], in the order of
  /// `classes`, or sorted when that is empty. InvalidArgument for a text that
  /// `classes` lacks.
  Tensor labels(
      std::string_view column, std::vector<std::string> classes = {}) const;

 private:
  friend KERATIN_API Table parse_csv(
      std::string text, const CsvOptions& options, std::string_view source);
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

/// Reads a CSV file (RFC 4180: quoted fields may hold delimiters, line breaks
/// and doubled quotes; lines end in LF or CRLF; empty lines are skipped).
/// Throws SystemError when it cannot be opened; InvalidArgument,
/// "[x.csv] line 7: expected 5 fields, got 4", when a line does not fit.
KERATIN_API Table
read_csv(const std::string& path, const CsvOptions& options = {});

/// As read_csv, from text; `source` is what messages call it.
KERATIN_API Table parse_csv(
    std::string text,
    const CsvOptions& options = {},
    std::string_view source = "csv");

}  // namespace keratin::io
