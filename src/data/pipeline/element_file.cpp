#include "src/data/pipeline/element_file.hpp"

#include <array>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/io/bytes.hpp"
#include "src/io/npy.hpp"

namespace keratin::data {
namespace {

constexpr std::string_view kMagic = "KTCACHE1";
constexpr std::uint64_t kTrailerBytes = 8 + 8 + kMagic.size();

io::Bytes take_bytes(io::ByteReader& reader) {
  return reader.take(reader.u64());
}

TensorSet read_set(
    io::ByteReader& reader,
    const std::shared_ptr<void>& owner,
    const std::string& who) {
  const std::uint32_t count = reader.u32();
  const bool names = reader.u8() != 0;
  std::vector<Tensor> tensors;
  std::vector<TensorSet::Named> named;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::string name;
    if (names) name = io::as_text(take_bytes(reader));
    Tensor tensor = io::parse_npy({take_bytes(reader), owner}, who);
    if (names) {
      named.emplace_back(std::move(name), std::move(tensor));
    } else {
      tensors.push_back(std::move(tensor));
    }
  }
  return names ? TensorSet(std::move(named)) : TensorSet(std::move(tensors));
}

}  // namespace

ElementFileWriter::ElementFileWriter(
    const std::string& path, const std::string& content)
    : file_(path) {
  put(io::as_bytes(kMagic));
  put_text(io::as_bytes(content));
}

void ElementFileWriter::put(io::Bytes bytes) {
  file_.write(bytes);
  position_ += bytes.size();
}

void ElementFileWriter::put_number(std::uint64_t value, std::size_t width) {
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < width; ++i) {
    bytes[i] = static_cast<std::byte>(value >> (8 * i));
  }
  put({bytes.data(), width});
}

void ElementFileWriter::put_text(io::Bytes text) {
  put_number(text.size(), 8);
  put(text);
}

void ElementFileWriter::put_set(const TensorSet& set) {
  put_number(set.size(), 4);
  put_number(set.names().empty() ? 0 : 1, 1);
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (!set.names().empty()) put_text(io::as_bytes(set.names()[i]));
    put_text(io::format_npy(set.tensors()[i]));
  }
}

void ElementFileWriter::write(const Element& element) {
  offsets_.push_back(position_);
  put_set(element.x);
  put_set(element.y);
  put_set(element.sample_weight);
}

void ElementFileWriter::commit() {
  const std::uint64_t begin = position_;
  for (const std::uint64_t offset : offsets_) put_number(offset, 8);
  put_number(offsets_.size(), 8);
  put_number(begin, 8);
  put(io::as_bytes(kMagic));
  file_.commit();
}

ElementFileReader::ElementFileReader(
    const std::string& path, const std::string& content)
    : who_(format("[dataset cache {}]", path)), file_(io::map_file(path)) {
  io::ByteReader reader(file_.bytes, who_);
  const std::uint64_t size = file_.bytes.size();
  const bool framed = size >= kMagic.size() + 8 + kTrailerBytes &&
                      io::as_text(file_.bytes).starts_with(kMagic) &&
                      io::as_text(file_.bytes).ends_with(kMagic);
  if (!framed) {
    reader.fail(
        "expected a cache of elements, got another or a damaged file; remove "
        "it to make it anew");
  }
  reader.seek(kMagic.size());
  if (io::as_text(take_bytes(reader)) != content) {
    reader.fail(
        "was made by another pipeline; remove it, or name another file");
  }
  reader.seek(size - kTrailerBytes);
  const std::uint64_t count = reader.u64();
  const std::uint64_t begin = reader.u64();
  const std::uint64_t room = size - kTrailerBytes;
  if (begin > room || (room - begin) / 8 != count || (room - begin) % 8 != 0) {
    reader.fail("is damaged: the table of elements does not fit");
  }
  reader.seek(begin);
  offsets_.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) offsets_.push_back(reader.u64());
}

Element ElementFileReader::read(std::int64_t index) const {
  io::ByteReader reader(file_.bytes, who_);
  reader.seek(offsets_[static_cast<std::size_t>(index)]);
  Element element;
  element.x = read_set(reader, file_.owner, who_);
  element.y = read_set(reader, file_.owner, who_);
  element.sample_weight = read_set(reader, file_.owner, who_);
  return element;
}

}  // namespace keratin::data
