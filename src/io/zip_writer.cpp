#include <zip.h>

#include <memory>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/io/atomic_file.hpp"
#include "src/io/zip.hpp"

namespace keratin::io {
namespace {

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};

}  // namespace

void ZipWriter::add(std::string name, std::vector<std::byte> content) {
  entries_.push_back({std::move(name), std::move(content), {}});
}

void ZipWriter::add(std::string name, std::string_view text) {
  const Bytes bytes = as_bytes(text);
  add(std::move(name), std::vector<std::byte>(bytes.begin(), bytes.end()));
}

void ZipWriter::add_file(std::string name, std::string path) {
  entries_.push_back({std::move(name), {}, std::move(path)});
}

void ZipWriter::save(const std::string& path) const {
  AtomicFile file(path);
  const auto fail = [&](const char* call, const std::string& why) {
    throw SystemError(format(
        "[{}] {} failed: {}; what was there before is unchanged",
        path,
        call,
        why));
  };
  int code = 0;
  std::unique_ptr<zip_t, Discard> archive(zip_open(
      file.temporary_path().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (archive == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    fail("zip_open", why);
  }
  const auto check = [&](bool good, const char* call) {
    if (!good) fail(call, zip_strerror(archive.get()));
  };
  for (const Entry& entry : entries_) {
    zip_source_t* source =
        entry.path.empty()
            ? zip_source_buffer(
                  archive.get(), entry.content.data(), entry.content.size(), 0)
            : zip_source_file(archive.get(), entry.path.c_str(), 0, -1);
    check(source != nullptr, "zip_source");
    const zip_int64_t index = zip_file_add(
        archive.get(), entry.name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) zip_source_free(source);
    check(index >= 0, "zip_file_add");
    const auto number = static_cast<zip_uint64_t>(index);
    check(
        zip_set_file_compression(archive.get(), number, ZIP_CM_STORE, 0) == 0,
        "zip_set_file_compression");
    // 1 January 1980, the earliest date a zip can hold.
    check(
        zip_file_set_dostime(archive.get(), number, 0, 0x21, 0) == 0,
        "zip_file_set_dostime");
  }
  check(zip_close(archive.get()) == 0, "zip_close");
  static_cast<void>(archive.release());  // zip_close freed it
  file.commit();
}

}  // namespace keratin::io
