#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/tensor.hpp>

namespace keratin::io {

/// An HDF5 file opened for reading, as Keras, h5py and NumPy users write them.
///
/// The reader is Keratin's own and takes every file for a hostile one: what is
/// damaged, or outside the part of HDF5 that h5py writes by default, throws
/// InvalidArgument naming the file and the place; a file that cannot be opened
/// throws SystemError. External storage and links are never followed.
///
/// Paths are "layers/dense/vars/0"; "" or "/" is the root. Copies share the
/// mapped file. Safe to use from several threads.
class KERATIN_API Hdf5File {
 public:
  explicit Hdf5File(const std::string& path);
  ~Hdf5File();
  Hdf5File(const Hdf5File&);
  Hdf5File& operator=(const Hdf5File&);

  bool contains(std::string_view path) const;

  /// Whether there is a dataset of that name.
  bool is_dataset(std::string_view path) const;

  /// Names of a group's members, in h5py's order. InvalidArgument when there is
  /// no such group.
  std::vector<std::string> keys(std::string_view path = "/") const;

  /// Paths of all groups and datasets, parents first.
  std::vector<std::string> walk() const;

  /// The elements of a dataset; strings have dtype `string`. Contiguous numbers
  /// share the file's memory. InvalidArgument when there is no such dataset.
  Tensor read(std::string_view path) const;

  std::vector<std::string> attr_names(std::string_view path = "/") const;
  bool has_attr(std::string_view path, std::string_view name) const;

  /// The attribute's value; a scalar has rank 0. InvalidArgument when there is
  /// none.
  Tensor attr(std::string_view path, std::string_view name) const;

  /// An attribute that is one string.
  std::string attr_text(std::string_view path, std::string_view name) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace keratin::io
