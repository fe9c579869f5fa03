#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/tensor.hpp>

#include "src/io/bytes.hpp"
#include "src/io/mapped_file.hpp"

/// HDF5 files, read as if they came from an enemy.
///
/// A reader of our own for the part of HDF5 that Keras and h5py write; nothing
/// here calls libhdf5. Every offset is checked against the file, every size
/// before memory is taken for it, cycles and shared tree nodes are found, and
/// the work done is bounded by the file's size. Bad or unsupported content
/// throws InvalidArgument, "[m.h5] layers/dense: ..."; a file that cannot be
/// opened throws SystemError.
///
/// Read: superblocks 0 to 3; object headers 1 and 2; symbol tables, compact and
/// dense links and attributes; contiguous, compact and chunked data (deflate,
/// shuffle, fletcher32); integers, floats (f16 to f64, bfloat16), h5py's bool,
/// enums as their integers, strings of fixed and variable length, arrays of
/// these. Refused by name: external storage, external and soft links, virtual
/// datasets, compound and reference types, shared messages.
///
/// All methods are const and safe to call from several threads.
namespace keratin::h5 {

class Image;
struct Header;

/// A group or a dataset: a cheap handle that keeps the file mapped.
class Object {
 public:
  /// "layers/dense"; "/" for the root.
  const std::string& path() const { return path_; }

  bool is_dataset() const;

  bool is_group() const { return !is_dataset(); }

  /// Where the object lies in the file: equal for equal objects, so that a walk
  /// can tell that it has been here before.
  std::uint64_t address() const { return address_; }

  // Groups. A dataset has no members.

  /// Member names in h5py's order: by name, or by creation where it was kept.
  std::vector<std::string> keys() const;

  bool contains(std::string_view path) const { return find(path).has_value(); }

  /// The object at "a/b/c" below this one, or nothing. A link that leads
  /// elsewhere (soft, external) is refused: InvalidArgument.
  std::optional<Object> find(std::string_view path) const;

  /// As find; InvalidArgument when there is nothing of that name.
  Object at(std::string_view path) const;

  // Attributes.

  std::vector<std::string> attr_names() const;
  bool has_attr(std::string_view name) const;

  /// The attribute's value; a scalar has rank 0, h5py.Empty is of shape [0].
  /// Strings have dtype `string`. InvalidArgument when there is none.
  Tensor attr(std::string_view name) const;

  /// A scalar string attribute. InvalidArgument when it is something else.
  std::string attr_text(std::string_view name) const;

  /// An attribute that is a list of strings. An empty list of any dtype is an
  /// empty list (Keras 2 writes one as float64).
  std::vector<std::string> attr_texts(std::string_view name) const;

  // Datasets. InvalidArgument for a group.

  DType dtype() const;
  Shape shape() const;

  /// The elements. Contiguous numbers in this machine's byte order share the
  /// file's memory, anything else is copied. `limit_bytes` bounds what may be
  /// allocated; 0 means 64 MiB or ten times the file, whichever is more.
  Tensor read(std::uint64_t limit_bytes = 0) const;

 private:
  friend class File;
  Object(
      std::shared_ptr<const Image> image,
      std::shared_ptr<const Header> header,
      std::uint64_t address,
      std::string path);

  void require_dataset() const;

  std::shared_ptr<const Image> image_;
  std::shared_ptr<const Header> header_;
  std::uint64_t address_ = 0;
  std::string path_;
  std::string who_;  // "[m.h5] layers/dense", for messages
};

class File {
 public:
  /// Maps the file.
  static File open(const std::string& path);

  /// A file in memory (a member of an archive, say). `name` is what messages
  /// call it.
  File(io::SharedBytes bytes, const std::string& name);

  Object root() const;

  std::optional<Object> find(std::string_view path) const {
    return root().find(path);
  }

  Object at(std::string_view path) const { return root().at(path); }

 private:
  std::shared_ptr<const Image> image_;
};

/// Paths of all objects below `top`, each once even when linked twice, parents
/// before children.
std::vector<std::string> walk(const Object& top);

}  // namespace keratin::h5
