// tf.train.Example in the wire format of protocol buffers:
//
//   Example  { Features features = 1; }
//   Features { map<string, Feature> feature = 1; }   entry: key = 1, value = 2
//   Feature  { one of BytesList = 1, FloatList = 2, Int64List = 3 }
//   a list   { repeated value = 1; }      numbers packed, or one by one

#include <bit>
#include <cstring>
#include <optional>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/io/tfrecord.hpp>

#include "src/core/format.hpp"
#include "src/io/bytes.hpp"

namespace keratin::io {
namespace {

enum class Wire { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct Field {
  std::uint64_t number = 0;
  Wire wire = Wire::varint;
  std::uint64_t value = 0;  // of a number
  Bytes bytes = {};         // of bytes
};

std::uint64_t varint(ByteReader& reader) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint64_t byte = reader.u8();
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  reader.fail("expected a number of at most 10 bytes");
}

/// The next field, or nothing at the end of the message.
std::optional<Field> next_field(ByteReader& reader) {
  if (reader.remaining() == 0) return std::nullopt;
  const std::uint64_t key = varint(reader);
  Field field{key >> 3, static_cast<Wire>(key & 7)};
  switch (field.wire) {
    case Wire::varint:
      field.value = varint(reader);
      return field;
    case Wire::fixed64:
      field.value = reader.u64();
      return field;
    case Wire::fixed32:
      field.value = reader.u32();
      return field;
    case Wire::bytes:
      field.bytes = reader.take(varint(reader));
      return field;
  }
  reader.fail(
      format("expected a field of wire type 0, 1, 2 or 5, got {}", key & 7));
}

/// Calls f(field) for every field `number` of a message.
template <class F>
void each(
    Bytes message, std::uint64_t number, std::string_view who, const F& f) {
  ByteReader reader(message, who);
  while (const std::optional<Field> field = next_field(reader)) {
    if (field->number == number) f(*field);
  }
}

void expect(const Field& field, Wire wire, std::string_view who) {
  if (field.wire == wire) return;
  throw InvalidArgument(format(
      "{}: expected field {} of wire type {}, got {}",
      who,
      field.number,
      static_cast<int>(wire),
      static_cast<int>(field.wire)));
}

Tensor bytes_of(Bytes list, std::string_view who) {
  std::vector<std::string> values;
  each(list, 1, who, [&](const Field& field) {
    expect(field, Wire::bytes, who);
    values.emplace_back(as_text(field.bytes));
  });
  return Tensor(values);
}

/// Calls put(value) for every number of a list, packed or not.
template <class Next, class Put>
void each_number(
    Bytes list,
    Wire single,
    std::string_view who,
    const Next& next,
    const Put& put) {
  each(list, 1, who, [&](const Field& field) {
    if (field.wire == single) {
      put(field.value);
      return;
    }
    expect(field, Wire::bytes, who);
    ByteReader packed(field.bytes, who);
    while (packed.remaining() > 0) put(next(packed));
  });
}

/// Counted first, so that memory is what the numbers need.
template <class T, class Next, class Value>
Tensor numbers_of(
    Bytes list,
    Wire single,
    std::string_view who,
    const Next& next,
    const Value& value) {
  std::int64_t count = 0;
  each_number(list, single, who, next, [&](std::uint64_t) { ++count; });
  Tensor out(kDTypeOf<T>, {count});
  auto to = out.mutable_data<T>();
  std::size_t at = 0;
  each_number(list, single, who, next, [&](std::uint64_t bits) {
    to[at++] = value(bits);
  });
  return out;
}

Tensor floats_of(Bytes list, std::string_view who) {
  return numbers_of<float>(
      list,
      Wire::fixed32,
      who,
      [](ByteReader& reader) -> std::uint64_t { return reader.u32(); },
      [](std::uint64_t bits) {
        return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
      });
}

Tensor integers_of(Bytes list, std::string_view who) {
  return numbers_of<std::int64_t>(
      list, Wire::varint, who, varint, [](std::uint64_t bits) {
        return static_cast<std::int64_t>(bits);
      });
}

/// Of several lists the last one counts, as a "one of" says.
std::optional<Tensor> feature_of(Bytes message, std::string_view who) {
  std::optional<Field> last;
  ByteReader reader(message, who);
  while (const std::optional<Field> field = next_field(reader)) {
    if (field->number < 1 || field->number > 3) continue;
    expect(*field, Wire::bytes, who);
    last = field;
  }
  if (!last) return std::nullopt;
  if (last->number == 1) return bytes_of(last->bytes, who);
  if (last->number == 2) return floats_of(last->bytes, who);
  return integers_of(last->bytes, who);
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    out += static_cast<char>(0x80 | (value & 0x7f));
  }
  out += static_cast<char>(value);
}

void put_bytes(std::string& out, int number, std::string_view bytes) {
  put_varint(
      out,
      static_cast<std::uint64_t>(number) << 3 |
          static_cast<std::uint64_t>(Wire::bytes));
  put_varint(out, bytes.size());
  out += bytes;
}

std::string serialized_feature(const std::string& name, const Tensor& values) {
  std::string list;
  std::string feature;
  if (values.dtype() == DType::string) {
    for (const std::string& text : values.data<std::string>()) {
      put_bytes(list, 1, text);
    }
    put_bytes(feature, 1, list);
    return feature;
  }
  std::string packed;
  if (is_floating(values.dtype())) {
    for (const float value : values.to_vector<float>()) {
      const auto bits = std::bit_cast<std::uint32_t>(value);
      for (int shift = 0; shift < 32; shift += 8) {
        packed += static_cast<char>(bits >> shift);
      }
    }
  } else {
    const auto integers = values.to_vector<std::int64_t>();
    for (const std::int64_t value : integers) {
      if (values.dtype() == DType::u64 && value < 0) {
        throw InvalidArgument(format(
            "[serialize_tf_example] {}: expected integers below 2^63, got one "
            "above",
            quoted(name)));
      }
      put_varint(packed, static_cast<std::uint64_t>(value));
    }
  }
  if (!packed.empty()) put_bytes(list, 1, packed);
  put_bytes(feature, is_floating(values.dtype()) ? 2 : 3, list);
  return feature;
}

}  // namespace

TfExample parse_tf_example(std::string_view record, std::string_view who) {
  TfExample out;
  each(as_bytes(record), 1, who, [&](const Field& features) {
    expect(features, Wire::bytes, who);
    each(features.bytes, 1, who, [&](const Field& entry) {
      expect(entry, Wire::bytes, who);
      std::string name;
      Bytes value;
      each(entry.bytes, 1, who, [&](const Field& field) {
        expect(field, Wire::bytes, who);
        name = std::string(as_text(field.bytes));
      });
      each(entry.bytes, 2, who, [&](const Field& field) {
        expect(field, Wire::bytes, who);
        value = field.bytes;
      });
      if (auto feature = feature_of(value, who)) {
        out.insert_or_assign(std::move(name), std::move(*feature));
      }
    });
  });
  return out;
}

std::string serialize_tf_example(const TfExample& example) {
  std::string features;
  for (const auto& [name, values] : example) {
    std::string entry;
    put_bytes(entry, 1, name);
    put_bytes(entry, 2, serialized_feature(name, values));
    put_bytes(features, 1, entry);
  }
  std::string out;
  put_bytes(out, 1, features);
  return out;
}

}  // namespace keratin::io
