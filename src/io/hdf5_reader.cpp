#include "src/io/hdf5_reader.hpp"

#include <algorithm>
#include <set>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/io/hdf5_image.hpp"
#include "src/io/hdf5_types.hpp"

namespace keratin::h5 {
namespace {

constexpr std::uint64_t kLeastLimit = 64U << 20;
constexpr std::size_t kMaxPath = 4096;  // bounds the depth of a walk

std::uint64_t limit_for(const Image& image, std::uint64_t asked) {
  return asked != 0 ? asked : std::max(kLeastLimit, 10 * image.size());
}

Shape joined(Shape shape, const Shape& inner) {
  for (const std::int64_t dim : inner) shape.push_back(dim);
  return shape;
}

const Message& require(
    const Header& header,
    MessageType type,
    const char* what,
    std::string_view who) {
  const Message* message = header.find(type);
  if (message == nullptr) {
    ByteReader({}, who).fail(format("dataset has no {}", what));
  }
  if (message->shared) {
    ByteReader({}, who).fail(
        format("a shared {} is outside what Keratin reads", what));
  }
  return *message;
}

/// An attribute taken apart: name, type, space and elements.
struct Attribute {
  std::string_view name;
  bool shared = false;
  Bytes type;
  Bytes space;
  Bytes data;
};

Attribute parse_attribute(Bytes body, std::string_view who) {
  ByteReader in(body, who);
  const auto version = in.u8();
  if (version < 1 || version > 3) {
    in.fail(format("expected attribute version 1 to 3, got {}", version));
  }
  const auto flags = in.u8();
  const std::uint64_t name_size = in.u16();
  const std::uint64_t type_size = in.u16();
  const std::uint64_t space_size = in.u16();
  if (version == 3) in.skip(1);  // character set of the name
  const auto padded = [&](std::uint64_t size) {
    return version == 1 ? (size + 7) / 8 * 8 : size;
  };
  Attribute out;
  out.shared = version > 1 && (flags & 3) != 0;
  out.name = in.take_text(padded(name_size)).substr(0, name_size);
  out.name = out.name.substr(0, out.name.find('\0'));
  out.type = in.take(padded(type_size));
  out.space = in.take(padded(space_size));
  out.data = in.take(in.remaining());
  return out;
}

}  // namespace

Object::Object(
    std::shared_ptr<const Image> image,
    std::shared_ptr<const Header> header,
    std::uint64_t address,
    std::string path)
    : image_(std::move(image)),
      header_(std::move(header)),
      address_(address),
      path_(std::move(path)) {
  const std::string shown = io::quoted(path_, 200);
  who_ = format("[{}] {}", image_->name(), shown.substr(1, shown.size() - 2));
}

bool Object::is_dataset() const {
  return header_->find(MessageType::layout) != nullptr ||
         header_->find(MessageType::dataspace) != nullptr;
}

void Object::require_dataset() const {
  if (!is_dataset()) {
    ByteReader({}, who_).fail("expected a dataset, got a group");
  }
}

std::vector<std::string> Object::keys() const {
  std::vector<std::string> out;
  for (const Link& link : *image_->links(address_, *header_, who_)) {
    out.push_back(link.name);
  }
  return out;
}

std::optional<Object> Object::find(std::string_view path) const {
  Object at = *this;
  while (true) {
    while (path.starts_with('/')) path.remove_prefix(1);
    if (path.empty()) return at;
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    const auto links = image_->links(at.address_, *at.header_, at.who_);
    const auto link =
        std::find_if(links->begin(), links->end(), [&](const Link& candidate) {
          return candidate.name == name;
        });
    if (link == links->end()) return std::nullopt;
    if (link->kind != LinkKind::hard) {
      ByteReader({}, at.who_)
          .fail(format(
              "{} is {} link, which is refused: data must be in the file "
              "itself",
              io::quoted(name),
              link->kind == LinkKind::soft ? "a soft" : "an external"));
    }
    auto next = image_->header(link->address, at.who_);
    std::string next_path =
        at.path_ == "/" ? link->name : at.path_ + "/" + link->name;
    if (next_path.size() > kMaxPath) {
      ByteReader({}, at.who_)
          .fail(format("expected paths of at most {} bytes", kMaxPath));
    }
    at = Object(image_, std::move(next), link->address, std::move(next_path));
  }
}

Object Object::at(std::string_view path) const {
  auto found = find(path);
  if (!found) {
    ByteReader({}, who_).fail(format("nothing is called {}", io::quoted(path)));
  }
  return *std::move(found);
}

std::vector<std::string> Object::attr_names() const {
  std::vector<std::string> out;
  for (const Bytes body : *image_->attributes(address_, *header_, who_)) {
    out.emplace_back(parse_attribute(body, who_).name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool Object::has_attr(std::string_view name) const {
  const auto all = image_->attributes(address_, *header_, who_);
  return std::any_of(all->begin(), all->end(), [&](Bytes body) {
    return parse_attribute(body, who_).name == name;
  });
}

Tensor Object::attr(std::string_view name) const {
  const std::string who = format("{}: attribute {}", who_, io::quoted(name));
  for (const Bytes body : *image_->attributes(address_, *header_, who_)) {
    const Attribute found = parse_attribute(body, who_);
    if (found.name != name) continue;
    ByteReader error({}, who);
    if (found.shared) error.fail("shared types are outside what Keratin reads");
    const Type type = parse_type(*image_, found.type, who);
    const auto space = parse_space(*image_, found.space, who);
    const Shape shape = joined(space.value_or(Shape{0}), type.inner);
    const std::uint64_t bytes =
        checked_product(count_of(shape, who), type.size, who);
    if (found.data.size() < bytes) {
      error.fail(format(
          "expected {} bytes of data, got {}", bytes, found.data.size()));
    }
    return decode(
        *image_,
        type,
        shape,
        {found.data.first(bytes), image_->owner()},
        limit_for(*image_, 0),
        who);
  }
  ByteReader({}, who).fail("there is none of that name");
}

std::string Object::attr_text(std::string_view name) const {
  const Tensor value = attr(name);
  if (value.dtype() != DType::string || value.size() != 1) {
    ByteReader({}, who_).fail(format(
        "attribute {}: expected one string, got {}{}",
        io::quoted(name),
        short_name(value.dtype()),
        value.shape().str()));
  }
  return value.data<std::string>()[0];
}

std::vector<std::string> Object::attr_texts(std::string_view name) const {
  const Tensor value = attr(name);
  if (value.size() == 0) return {};
  if (value.dtype() != DType::string) {
    ByteReader({}, who_).fail(format(
        "attribute {}: expected strings, got {}{}",
        io::quoted(name),
        short_name(value.dtype()),
        value.shape().str()));
  }
  const auto texts = value.data<std::string>();
  return {texts.begin(), texts.end()};
}

namespace {

/// Keras stores bfloat16 as opaque pairs of bytes and says so beside it.
Type dataset_type(
    const Image& image,
    const Header& header,
    const Object& object,
    std::string_view who) {
  Type type = parse_type(
      image, require(header, MessageType::datatype, "type", who).body, who);
  if (type.kind == Type::Kind::opaque && type.size == 2 &&
      object.has_attr("dtype") && object.attr_text("dtype") == "bfloat16") {
    type.kind = Type::Kind::number;
    type.dtype = DType::bf16;
  }
  return type;
}

}  // namespace

DType Object::dtype() const {
  require_dataset();
  const Type type = dataset_type(*image_, *header_, *this, who_);
  if (type.kind == Type::Kind::opaque) {
    ByteReader({}, who_).fail(
        "opaque types other than bfloat16 are outside what Keratin reads");
  }
  return type.dtype;
}

Shape Object::shape() const {
  require_dataset();
  const auto space = parse_space(
      *image_,
      require(*header_, MessageType::dataspace, "shape", who_).body,
      who_);
  const Type type = dataset_type(*image_, *header_, *this, who_);
  return joined(space.value_or(Shape{0}), type.inner);
}

Tensor Object::read(std::uint64_t limit_bytes) const {
  require_dataset();
  const std::uint64_t limit = limit_for(*image_, limit_bytes);
  const Type type = dataset_type(*image_, *header_, *this, who_);
  const auto space = parse_space(
      *image_,
      require(*header_, MessageType::dataspace, "shape", who_).body,
      who_);
  const Shape outer = space.value_or(Shape{0});
  const Shape whole = joined(outer, type.inner);
  count_of(whole, who_);
  if (!space) return Tensor(type.dtype, whole);
  const auto raw = read_raw(*image_, *header_, type, outer, limit, who_);
  return decode(*image_, type, whole, raw, limit, who_);
}

File File::open(const std::string& path) {
  return File(io::map_file(path), io::base_name(path));
}

File::File(io::SharedBytes bytes, const std::string& name)
    : image_(std::make_shared<const Image>(std::move(bytes), name)) {}

Object File::root() const {
  const std::string who = format("[{}] /", image_->name());
  return Object(
      image_, image_->header(image_->root(), who), image_->root(), "/");
}

std::vector<std::string> walk(const Object& top) {
  std::vector<std::string> out;
  std::set<std::uint64_t> seen;
  std::vector<Object> todo = {top};
  while (!todo.empty()) {
    const Object at = std::move(todo.back());
    todo.pop_back();
    if (!seen.insert(at.address()).second) continue;
    if (at.path() != top.path()) out.push_back(at.path());
    if (at.is_dataset()) continue;
    const auto names = at.keys();
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      todo.push_back(at.at(*name));
    }
  }
  return out;
}

}  // namespace keratin::h5
