#include <keratin/io/hdf5.hpp>

#include "src/io/hdf5_reader.hpp"

namespace keratin::io {

struct Hdf5File::Impl {
  h5::File file;
};

Hdf5File::Hdf5File(const std::string& path)
    : impl_(std::make_shared<const Impl>(Impl{h5::File::open(path)})) {}

Hdf5File::~Hdf5File() = default;
Hdf5File::Hdf5File(const Hdf5File&) = default;
Hdf5File& Hdf5File::operator=(const Hdf5File&) = default;

bool Hdf5File::contains(std::string_view path) const {
  return impl_->file.find(path).has_value();
}

bool Hdf5File::is_dataset(std::string_view path) const {
  const auto object = impl_->file.find(path);
  return object && object->is_dataset();
}

std::vector<std::string> Hdf5File::keys(std::string_view path) const {
  return impl_->file.at(path).keys();
}

std::vector<std::string> Hdf5File::walk() const {
  return h5::walk(impl_->file.root());
}

Tensor Hdf5File::read(std::string_view path) const {
  return impl_->file.at(path).read();
}

std::vector<std::string> Hdf5File::attr_names(std::string_view path) const {
  return impl_->file.at(path).attr_names();
}

bool Hdf5File::has_attr(std::string_view path, std::string_view name) const {
  return impl_->file.at(path).has_attr(name);
}

Tensor Hdf5File::attr(std::string_view path, std::string_view name) const {
  return impl_->file.at(path).attr(name);
}

std::string Hdf5File::attr_text(
    std::string_view path, std::string_view name) const {
  return impl_->file.at(path).attr_text(name);
}

}  // namespace keratin::io
