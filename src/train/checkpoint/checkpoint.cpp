#include "src/train/checkpoint/checkpoint.hpp"

#include <charconv>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/io/mapped_file.hpp"
#include "src/io/npy.hpp"
#include "src/io/zip.hpp"

namespace keratin {

namespace {

constexpr const char* kIndex = "checkpoint.json";
constexpr std::int64_t kFormat = 1;

std::string member_of(std::size_t index) {
  return format("arrays/{}.npy", index);
}

Checkpoint parse(const io::ZipReader& archive, const std::string& name) {
  const std::string where = name + "/" + kIndex;
  const auto text = archive.read(kIndex);
  const Config index = Config::parse(io::as_text(text.bytes), where);
  if (index.get("format") != Config(kFormat)) {
    throw InvalidArgument(format(
        "[{}] expected a checkpoint of format {}, got format {}; go on with "
        "the version of Keratin that wrote it",
        name,
        kFormat,
        index.get("format").dump()));
  }
  Checkpoint out;
  out.values = index.at("values");
  const Config::Array& names = index.at("arrays").as_array();
  if (archive.members().size() != names.size() + 1) {
    throw InvalidArgument(format(
        "[{}] expected {} arrays, got {}",
        name,
        names.size(),
        archive.members().size() - 1));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string member = member_of(i);
    out.arrays.emplace_back(
        names[i].as_string(),
        io::parse_npy(archive.read(member), format("[{}/{}]", name, member)));
  }
  return out;
}

}  // namespace

const Tensor& Checkpoint::array(const std::string& name) const {
  for (const auto& [known, value] : arrays) {
    if (known == name) return value;
  }
  throw InvalidArgument(format("[checkpoint] holds no array '{}'", name));
}

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  io::ZipWriter archive;
  Config names = Config::array();
  for (const auto& [name, value] : checkpoint.arrays) names.push_back(name);
  archive.add(
      kIndex,
      Config::object({{"format", kFormat},
                      {"values", checkpoint.values},
                      {"arrays", std::move(names)}})
          .dump());
  for (std::size_t i = 0; i < checkpoint.arrays.size(); ++i) {
    archive.add(member_of(i), io::format_npy(checkpoint.arrays[i].second));
  }
  archive.save(path);
}

Checkpoint read_checkpoint(const std::string& path) {
  const std::string name = io::base_name(path);
  const io::SharedBytes content = io::map_file(path);
  try {
    return parse(io::ZipReader(content, name), name);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(
        format("[{}] is no whole checkpoint: {}", path, error.what()));
  }
}

Config to_text(std::uint64_t value) {
  return format("{}", value);
}

std::uint64_t unsigned_at(const Config& config, const char* key) {
  const std::string& text = config.at(key).as_string();
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end) {
    throw InvalidArgument(format(
        "[checkpoint] expected a whole number below 2^64 as text in '{}', got "
        "'{}'",
        key,
        text));
  }
  return value;
}

}  // namespace keratin
