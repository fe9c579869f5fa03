#include "src/io/hdf5_writer.hpp"

#include <hdf5.h>

#include <cstring>
#include <mutex>

#include <keratin/error.hpp>

#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/io/bytes.hpp"

namespace keratin::h5 {
namespace {

/// libhdf5 may have been built without locks.
std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

/// Holds the library while a call lasts, and keeps it from printing its errors.
class Session {
 public:
  Session() : lock_(library_mutex()) {
    H5Eget_auto2(H5E_DEFAULT, &printer_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }

  ~Session() { H5Eset_auto2(H5E_DEFAULT, printer_, data_); }

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  std::lock_guard<std::mutex> lock_;
  H5E_auto2_t printer_ = nullptr;
  void* data_ = nullptr;
};

/// The innermost message of libhdf5's error stack: the cause.
std::string last_error() {
  std::string out = "unknown error";
  const auto take = [](unsigned, const H5E_error2_t* error, void* text) {
    if (error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
    return herr_t{1};  // stop at the first
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take, &out);
  return out;
}

[[noreturn]] void fail(const char* call, const std::string& where) {
  throw SystemError(
      format("[hdf5] {} failed for {}: {}", call, where, last_error()));
}

/// An identifier of libhdf5, closed at the end of its scope.
class Id {
 public:
  Id(hid_t id, herr_t (*close)(hid_t), const char* call, const std::string& at)
      : id_(id), close_(close) {
    if (id < 0) fail(call, at);
  }

  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;

  ~Id() { close_(id_); }

  operator hid_t() const { return id_; }  // NOLINT: as the C API wants it

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

void check(herr_t code, const char* call, const std::string& at) {
  if (code < 0) fail(call, at);
}

hid_t string_type() {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

hid_t half_type() {
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);  // sign, exponent, mantissa
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

hid_t bool_type() {
  const hid_t type = H5Tenum_create(H5T_STD_I8LE);
  const std::int8_t no = 0;
  const std::int8_t yes = 1;
  H5Tenum_insert(type, "FALSE", &no);
  H5Tenum_insert(type, "TRUE", &yes);
  return type;
}

hid_t opaque_type() {
  const hid_t type = H5Tcreate(H5T_OPAQUE, 2);
  H5Tset_tag(type, "");
  return type;
}

hid_t type_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return H5Tcopy(H5T_IEEE_F32LE);
    case DType::f64:
      return H5Tcopy(H5T_IEEE_F64LE);
    case DType::f16:
      return half_type();
    case DType::bf16:
      return opaque_type();
    case DType::i8:
      return H5Tcopy(H5T_STD_I8LE);
    case DType::i16:
      return H5Tcopy(H5T_STD_I16LE);
    case DType::i32:
      return H5Tcopy(H5T_STD_I32LE);
    case DType::i64:
      return H5Tcopy(H5T_STD_I64LE);
    case DType::u8:
      return H5Tcopy(H5T_STD_U8LE);
    case DType::u16:
      return H5Tcopy(H5T_STD_U16LE);
    case DType::u32:
      return H5Tcopy(H5T_STD_U32LE);
    case DType::u64:
      return H5Tcopy(H5T_STD_U64LE);
    case DType::boolean:
      return bool_type();
    case DType::string:
      return string_type();
  }
  return -1;
}

hid_t space_of(const Shape& shape) {
  if (shape.empty()) return H5Screate(H5S_SCALAR);
  const std::vector<hsize_t> dims(shape.begin(), shape.end());
  return H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
}

/// Elements as libhdf5 takes them: strings as pointers.
class Elements {
 public:
  explicit Elements(const Tensor& value) : value_(value) {
    if (value.dtype() != DType::string) return;
    for (const std::string& text : value_.data<std::string>()) {
      pointers_.push_back(text.c_str());
    }
  }

  const void* data() const {
    return value_.dtype() == DType::string ? pointers_.data() : value_.raw();
  }

 private:
  const Tensor& value_;
  std::vector<const char*> pointers_;
};

void check_name(const std::string& name) {
  if (name.empty() || name.find('\0') != std::string::npos) {
    throw InvalidArgument(format(
        "[hdf5] expected a name without NUL characters, got {}",
        io::quoted(name)));
  }
}

void check_texts(const Tensor& value, const std::string& name) {
  if (value.dtype() != DType::string) return;
  for (const std::string& text : value.data<std::string>()) {
    if (text.find('\0') != std::string::npos) {
      throw InvalidArgument(format(
          "[hdf5] {}: expected text without NUL characters, got {}",
          io::quoted(name),
          io::quoted(text)));
    }
  }
}

bool exists(hid_t file, const std::string& path) {
  // Every step must be asked for: H5Lexists fails when a parent is missing.
  for (std::size_t at = path.find_first_not_of('/'); at != path.npos;) {
    const std::size_t slash = path.find('/', at);
    if (H5Lexists(file, path.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) {
      return false;
    }
    at = slash == path.npos ? slash : path.find_first_not_of('/', slash);
  }
  return true;
}

}  // namespace

struct Writer::Impl {
  hid_t file = -1;
  hid_t make_parents = -1;

  Impl() {
    const Id access(
        H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "H5Pcreate", "a file");
    constexpr std::size_t kGrowth = 1U << 20;
    check(
        H5Pset_fapl_core(access, kGrowth, false), "H5Pset_fapl_core", "a file");
    // Data at multiples of 64, so that a reader may use them in place.
    check(H5Pset_alignment(access, 256, 64), "H5Pset_alignment", "a file");
    // Nothing is written under the name, but libhdf5 opens none twice.
    static std::uint64_t made = 0;  // guarded by the session
    const std::string name = format("keratin-{}", made++);
    file = H5Fcreate(name.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (file < 0) fail("H5Fcreate", "a file in memory");
    make_parents = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(make_parents, 1);
    H5Pset_char_encoding(make_parents, H5T_CSET_UTF8);
  }

  ~Impl() {
    if (make_parents >= 0) H5Pclose(make_parents);
    if (file >= 0) H5Fclose(file);
  }

  void put_attr(
      const std::string& path, const std::string& name, const Tensor& value) {
    const std::string at = format("attribute {} of {}", name, path);
    const Id object(
        H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose, "H5Oopen", at);
    if (H5Aexists(object, name.c_str()) > 0) {
      check(H5Adelete(object, name.c_str()), "H5Adelete", at);
    }
    const Id type(type_of(value.dtype()), H5Tclose, "H5Tcopy", at);
    const Id space(space_of(value.shape()), H5Sclose, "H5Screate", at);
    const Id coded(H5Pcreate(H5P_ATTRIBUTE_CREATE), H5Pclose, "H5Pcreate", at);
    H5Pset_char_encoding(coded, H5T_CSET_UTF8);
    const Id attribute(
        H5Acreate2(object, name.c_str(), type, space, coded, H5P_DEFAULT),
        H5Aclose,
        "H5Acreate2",
        at);
    if (value.size() == 0) return;
    check(H5Awrite(attribute, type, Elements(value).data()), "H5Awrite", at);
  }
};

Writer::Writer() {
  const Session session;
  impl_ = std::make_unique<Impl>();
}

Writer::~Writer() {
  const Session session;
  impl_.reset();
}

void Writer::group(const std::string& path) {
  check_name(path);
  KERATIN_CHECK(impl_ != nullptr, "the writer is finished");
  const Session session;
  if (exists(impl_->file, path)) return;
  const Id made(
      H5Gcreate2(
          impl_->file,
          path.c_str(),
          impl_->make_parents,
          H5P_DEFAULT,
          H5P_DEFAULT),
      H5Gclose,
      "H5Gcreate2",
      path);
}

void Writer::dataset(const std::string& path, const Tensor& value) {
  check_name(path);
  check_texts(value, path);
  KERATIN_CHECK(impl_ != nullptr, "the writer is finished");
  const Session session;
  if (exists(impl_->file, path)) {
    throw InvalidArgument(format(
        "[hdf5] expected a new name, got {}, which is there already",
        io::quoted(path)));
  }
  const Id type(type_of(value.dtype()), H5Tclose, "H5Tcopy", path);
  const Id space(space_of(value.shape()), H5Sclose, "H5Screate", path);
  const Id made(
      H5Dcreate2(
          impl_->file,
          path.c_str(),
          type,
          space,
          impl_->make_parents,
          H5P_DEFAULT,
          H5P_DEFAULT),
      H5Dclose,
      "H5Dcreate2",
      path);
  if (value.size() > 0) {
    check(
        H5Dwrite(
            made, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, Elements(value).data()),
        "H5Dwrite",
        path);
  }
  if (value.dtype() == DType::bf16) {
    Tensor dtype(DType::string, {});
    dtype.mutable_data<std::string>()[0] = "bfloat16";
    impl_->put_attr(path, "dtype", dtype);
  }
}

void Writer::attr(
    const std::string& path, const std::string& name, const Tensor& value) {
  check_name(path);
  check_name(name);
  check_texts(value, name);
  if (value.dtype() == DType::bf16) {
    throw InvalidArgument(format(
        "[hdf5] attribute {}: HDF5 has no bfloat16; cast it to float32",
        io::quoted(name)));
  }
  const auto size = value.dtype() == DType::string
                        ? 16 * static_cast<std::size_t>(value.size())
                        : value.size_bytes();
  constexpr std::size_t kLimit = 64512;  // as Keras counts it
  if (size > kLimit) {
    throw InvalidArgument(format(
        "[hdf5] attribute {}: expected at most {} bytes, got {}; write it in "
        "pieces",
        io::quoted(name),
        kLimit,
        size));
  }
  KERATIN_CHECK(impl_ != nullptr, "the writer is finished");
  const Session session;
  impl_->put_attr(path, name, value);
}

void Writer::attr(
    const std::string& path, const std::string& name, std::string_view text) {
  Tensor value(DType::string, {});
  value.mutable_data<std::string>()[0] = std::string(text);
  attr(path, name, value);
}

void Writer::attr(
    const std::string& path,
    const std::string& name,
    const std::vector<std::string>& texts) {
  attr(path, name, Tensor(texts));
}

std::vector<std::byte> Writer::finish() {
  KERATIN_CHECK(impl_ != nullptr, "the writer is finished");
  const Session session;
  check(H5Fflush(impl_->file, H5F_SCOPE_GLOBAL), "H5Fflush", "a file");
  const ssize_t size = H5Fget_file_image(impl_->file, nullptr, 0);
  if (size < 0) fail("H5Fget_file_image", "a file");
  std::vector<std::byte> out(static_cast<std::size_t>(size));
  if (H5Fget_file_image(impl_->file, out.data(), out.size()) < 0) {
    fail("H5Fget_file_image", "a file");
  }
  impl_.reset();  // gives back the memory while the caller writes the bytes
  return out;
}

}  // namespace keratin::h5
