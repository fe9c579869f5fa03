#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <keratin/export.hpp>
#include <keratin/tensor.hpp>

namespace keratin::io {

/// Reads TensorFlow's TFRecord files, plain or compressed with gzip, record by
/// record; holds one record in memory. Both checksums (CRC-32C) of every record
/// are compared.
class KERATIN_API TfRecordReader {
 public:
  /// Throws SystemError when the file cannot be opened.
  explicit TfRecordReader(const std::string& path);
  ~TfRecordReader();
  TfRecordReader(TfRecordReader&&) noexcept;
  TfRecordReader& operator=(TfRecordReader&&) noexcept;

  /// The next record, or nothing at the end. Throws InvalidArgument,
  /// "[x.tfrecord] record 7 at byte 1234: checksum differs", for a damaged
  /// file; after a checksum of data that differs, the next call goes on with
  /// the next record, else there is none.
  std::optional<std::string> next();

  /// Records given or refused so far.
  std::int64_t position() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Writes a TFRecord file. It appears under its name with close(), whole, or
/// not at all. Throws SystemError naming the call that failed.
class KERATIN_API TfRecordWriter {
 public:
  explicit TfRecordWriter(const std::string& path);
  ~TfRecordWriter();
  TfRecordWriter(TfRecordWriter&&) noexcept;
  TfRecordWriter& operator=(TfRecordWriter&&) noexcept;

  void write(std::string_view record);
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A tf.train.Example: its features by name, each a list: string[n] (bytes),
/// f32[n] or i64[n].
using TfExample = std::map<std::string, Tensor>;

/// The Example that a record holds. A feature without a list is left out.
/// Throws InvalidArgument starting with `who` for bytes that are none.
KERATIN_API TfExample
parse_tf_example(std::string_view record, std::string_view who = "[example]");

/// The bytes of an Example, features in the order of their names: strings
/// become bytes; floats float32; integers and bool int64. Throws
/// InvalidArgument naming the feature for unsigned integers above 2^63.
KERATIN_API std::string serialize_tf_example(const TfExample& example);

}  // namespace keratin::io
