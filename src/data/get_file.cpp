#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include <keratin/error.hpp>
#include <keratin/utils.hpp>

#include "src/core/format.hpp"
#include "src/data/tar.hpp"
#include "src/io/atomic_file.hpp"
#include "src/io/download.hpp"
#include "src/io/gzip.hpp"
#include "src/io/mapped_file.hpp"
#include "src/io/zip.hpp"

namespace keratin::utils {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWho = "[get_file]";

/// The last part of an address without what follows a ? or #.
std::string name_at(const std::string& origin) {
  const std::string path = origin.substr(0, origin.find_first_of("?#"));
  const std::size_t host = path.find("://");
  const std::size_t slash = path.rfind('/');
  const bool has_path = host != std::string::npos && slash > host + 2;
  std::string name = has_path ? path.substr(slash + 1) : std::string();
  if (name.empty()) {
    throw InvalidArgument(format(
        "{} expected an address that ends in a file's name, got \"{}\"; give "
        "fname",
        kWho,
        origin));
  }
  return name;
}

void check_name(const std::string& name, const char* what) {
  const bool is_name =
      name != "." && name != ".." && name.find('/') == std::string::npos;
  if (is_name && name.find('\0') == std::string::npos) return;
  throw InvalidArgument(format(
      "{} expected {} to be a name, got the path {}",
      kWho,
      what,
      io::quoted(name)));
}

/// Where a member goes. Throws when that would be outside the folder.
fs::path place_of(
    const fs::path& folder, const std::string& name, const std::string& who) {
  const fs::path path(name);
  const bool leaves =
      path.is_absolute() || std::ranges::find(path, "..") != path.end();
  if (leaves || name.empty() || name.find('\0') != std::string::npos) {
    throw InvalidArgument(format(
        "{} member {} would lie outside the folder, which is refused",
        who,
        io::quoted(name)));
  }
  return folder / path;
}

void write_member(const fs::path& path, io::Bytes content) {
  io::make_folders(path.parent_path().string());
  io::write_file(path.string(), content);
}

void unpack_tar(
    io::Bytes archive, const fs::path& folder, const std::string& who) {
  for (const data::TarMember& member : data::tar_members(archive, who)) {
    const fs::path path = place_of(folder, member.name, who);
    if (member.kind == data::TarMember::Kind::folder) continue;
    if (member.kind == data::TarMember::Kind::other) {
      throw InvalidArgument(format(
          "{} member {} is a link or a device, which is refused",
          who,
          io::quoted(member.name)));
    }
    write_member(path, member.content);
  }
}

/// Data sets are packed tighter than models.
std::uint64_t unpacked_limit(std::uint64_t packed_size) {
  return std::max<std::uint64_t>(64U << 20, 100 * packed_size);
}

void unpack_zip(
    const io::SharedBytes& file,
    const fs::path& folder,
    const std::string& name,
    const std::string& who) {
  const io::ZipReader archive(file, name);
  for (const io::ZipMember& member : archive.members()) {
    write_member(
        place_of(folder, member.name, who),
        archive.read(member.name, unpacked_limit(member.packed_size)).bytes);
  }
}

void unpack(const std::string& archive, const fs::path& folder) {
  const std::string name = io::base_name(archive);
  const std::string who = format("[{}]", name);
  const io::SharedBytes file = io::map_file(archive);
  const std::string_view text = io::as_text(file.bytes);
  if (text.starts_with("PK")) {
    unpack_zip(file, folder, name, who);
  } else if (io::is_gzip(file.bytes)) {
    const std::uint64_t limit = unpacked_limit(file.bytes.size());
    unpack_tar(io::gunzip(file.bytes, limit, who), folder, who);
  } else if (text.size() > 262 && text.substr(257, 5) == "ustar") {
    unpack_tar(file.bytes, folder, who);
  } else {
    throw InvalidArgument(format(
        "{} expected a zip, tar or tar.gz archive to extract, got a file that "
        "begins with {}",
        who,
        io::quoted(text.substr(0, 8))));
  }
}

/// A folder with what is in an archive, made at once or not at all.
void unpack_once(const std::string& archive, const fs::path& folder) {
  if (fs::exists(folder)) return;
  const fs::path part = format("{}.part{}", folder.string(), ::getpid());
  std::error_code code;
  fs::remove_all(part, code);
  io::make_folders(part.string());
  try {
    unpack(archive, part);
  } catch (...) {
    fs::remove_all(part, code);
    throw;
  }
  fs::rename(part, folder, code);
  if (!code) return;
  std::error_code unused;
  fs::remove_all(part, unused);
  if (fs::exists(folder)) return;  // another process was faster
  throw SystemError(format(
      "{} rename to {} failed: {}", kWho, folder.string(), code.message()));
}

/// Keras's names of an archive and of the folder of what is in it.
struct Names {
  std::string file;
  std::string folder;
};

Names names_of(const std::string& name, const GetFileOptions& options) {
  if (!options.extract) return {name, {}};
  const std::size_t dot = options.fname.find('.');
  if (options.fname.empty() || dot == std::string::npos) {
    return {name + "_archive", name};
  }
  return {name, name.substr(0, dot) + "_extracted"};
}

}  // namespace

std::string get_file(const std::string& origin, const GetFileOptions& options) {
  const std::string name =
      options.fname.empty() ? name_at(origin) : options.fname;
  check_name(name, options.fname.empty() ? "the name at origin" : "fname");
  const std::size_t digits = options.file_hash.size();
  if (digits != 0 && digits != 32 && digits != 64) {
    throw InvalidArgument(format(
        "{} expected file_hash to be a SHA-256 of 64 digits or an MD5 of 32, "
        "got {} digits",
        kWho,
        digits));
  }
  const Names names = names_of(name, options);
  std::string hash = options.file_hash;
  std::ranges::transform(hash, hash.begin(), [](unsigned char digit) {
    return static_cast<char>(std::tolower(digit));
  });
  const std::string path = io::fetch(
      {.url = origin,
       .name = options.cache_subdir + "/" + names.file,
       .sha256 = digits == 64 ? hash : std::string(),
       .md5 = digits == 32 ? hash : std::string()});
  if (!options.extract) return path;
  const fs::path folder = fs::path(path).parent_path() / names.folder;
  unpack_once(path, folder);
  return folder.string();
}

}  // namespace keratin::utils
