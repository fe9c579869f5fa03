#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/io/csv.hpp>

namespace keratin::io {

/// A CSV file read line by line, by read_csv's rules; holds one line in memory,
/// whatever the file's size.
class KERATIN_API CsvReader {
 public:
  /// Throws SystemError when the file cannot be opened; InvalidArgument for an
  /// empty file, two columns of one name or a delimiter that is a quote or a
  /// line break.
  explicit CsvReader(const std::string& path, const CsvOptions& options = {});
  ~CsvReader();
  CsvReader(CsvReader&&) noexcept;
  CsvReader& operator=(CsvReader&&) noexcept;

  const std::vector<std::string>& columns() const;

  /// The fields of the next line that is not empty; false at the end. Throws
  /// InvalidArgument "[x.csv] line 7: ..." for another number of fields than
  /// columns, a broken quote, or a field of more than 64 MiB; after the first,
  /// the next call goes on with the next line, else there is none.
  bool next(std::vector<std::string>& fields);

  /// Where the fields given last began, counted from 1.
  std::int64_t line() const;

  /// Whether a field means "no value".
  bool is_missing(const std::string& field) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keratin::io
