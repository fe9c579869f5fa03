#include "models/file_kind.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin {

namespace {

using namespace std::string_view_literals;

std::string_view head_of(const io::SharedBytes& content) {
  constexpr std::size_t kHead = 1024;
  const auto* const text = reinterpret_cast<const char*>(content.bytes.data());
  return {text, std::min(content.bytes.size(), kHead)};
}

std::string_view stripped(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (!text.empty() &&
         std::isspace(static_cast<unsigned char>(text.front())) != 0) {
    text.remove_prefix(1);
  }
  return text;
}

bool has_prefix(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  return std::equal(
      lower.begin(), lower.end(), text.begin(), [](char a, char b) {
        return a ==
               static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
      });
}

constexpr std::string_view kHdf5 = "\x89HDF\r\n\x1a\n";

/// HDF5 allows for a block of the user's own before its own.
bool is_hdf5(const io::SharedBytes& content) {
  const auto* const text = reinterpret_cast<const char*>(content.bytes.data());
  const std::string_view all(text, content.bytes.size());
  if (all.starts_with(kHdf5)) return true;
  for (std::size_t at = 512; at + kHdf5.size() <= all.size(); at *= 2) {
    if (all.substr(at, kHdf5.size()) == kHdf5) return true;
  }
  return false;
}

struct Magic {
  std::string_view bytes;
  const char* what;
};

constexpr Magic kMagics[] = {
    {"\x1f\x8b"sv, "gzip data; unpack it first"},
    {"BZh"sv, "bzip2 data; unpack it first"},
    {"\xfd\x37zXZ"sv, "xz data; unpack it first"},
    {"7z\xbc\xaf"sv, "a 7-zip archive; unpack it first"},
    {"\x93NUMPY"sv, "a NumPy array"},
    {"\x89PNG"sv, "a PNG picture"},
    {"\xff\xd8\xff"sv, "a JPEG picture"},
    {"GIF8"sv, "a GIF picture"},
    {"%PDF"sv, "a PDF document"},
    {"\x80\x02"sv, "a Python pickle, which is never run"},
    {"\x80\x03"sv, "a Python pickle, which is never run"},
    {"\x80\x04"sv, "a Python pickle, which is never run"},
    {"\x80\x05"sv, "a Python pickle, which is never run"},
    {"\x7f"
     "ELF"sv,
     "a program"},
    {"MZ"sv, "a Windows program"},
    {"#!"sv, "a script"},
};

bool is_text(std::string_view head) {
  return std::none_of(head.begin(), head.end(), [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return code < 9 || (code > 13 && code < 32);
  });
}

/// The first line, for a message: short, and only of printable characters.
std::string first_line(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string line;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || line.size() == kLongest) break;
    const auto code = static_cast<unsigned char>(c);
    line += code >= 32 && code < 127 ? c : '?';
  }
  return line;
}

}  // namespace

FileKind kind_of(const io::SharedBytes& content) {
  const std::string_view head = head_of(content);
  if (head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06")) {
    return FileKind::keras;
  }
  if (is_hdf5(content)) return FileKind::hdf5;
  const std::string_view text = stripped(head);
  if (text.starts_with("{") || text.starts_with("[")) return FileKind::json;
  return FileKind::other;
}

std::string describe_content(const io::SharedBytes& content) {
  const std::string_view head = head_of(content);
  if (head.empty()) return "empty";
  switch (kind_of(content)) {
    case FileKind::keras:
      return "a zip archive";
    case FileKind::hdf5:
      return "an HDF5 file";
    case FileKind::json:
      return "a JSON text";
    case FileKind::other:
      break;
  }
  for (const Magic& magic : kMagics) {
    if (head.starts_with(magic.bytes)) return magic.what;
  }
  const std::string_view text = stripped(head);
  if (text.starts_with("version https://git-lfs")) {
    return "a pointer of git-lfs: the file itself was not fetched; run git lfs "
           "pull";
  }
  if (has_prefix(text, "<!doctype html") || has_prefix(text, "<html")) {
    return "a page of HTML, perhaps a server's answer in place of the file";
  }
  if (text.starts_with("<?xml") || text.starts_with("<")) {
    return format(
        "an XML text, perhaps a server's answer in place of the file: \"{}\"",
        first_line(text));
  }
  if (is_text(head)) return format("a text: \"{}\"", first_line(text));
  if (std::all_of(head.begin(), head.end(), [](char c) { return c == 0; })) {
    return "nothing but zeros: a download that was broken off";
  }
  return "of no kind that Keras writes";
}

void refuse_content(
    const io::SharedBytes& content,
    const std::string& name,
    const std::string& expected) {
  throw InvalidArgument(format(
      "[{}] expected {}, got a file that is {}",
      name,
      expected,
      describe_content(content)));
}

}  // namespace keratin
