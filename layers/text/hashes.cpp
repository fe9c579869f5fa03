#include "layers/text/hashes.hpp"

#include <bit>
#include <cstddef>
#include <cstring>
#include <utility>

namespace keratin::text {

namespace {

// FarmHash na (github.com/google/farmhash): k0, k1, k2 are its constants.
constexpr std::uint64_t kK0 = 0xc3a5c85c97cb3127ULL;
constexpr std::uint64_t kK1 = 0xb492b66fbe98f273ULL;
constexpr std::uint64_t kK2 = 0x9ae16a3b2f90404fULL;

using Pair = std::pair<std::uint64_t, std::uint64_t>;

template <class T>
T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::big) {
    T swapped = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) {
      swapped = static_cast<T>(swapped << 8) | ((value >> (8 * i)) & 0xff);
    }
    return swapped;
  }
  return value;
}

std::uint64_t word(const char* from) {
  return load<std::uint64_t>(from);
}

std::uint64_t shift_mix(std::uint64_t value) {
  return value ^ (value >> 47);
}

std::uint64_t hash_16(std::uint64_t u, std::uint64_t v, std::uint64_t mul) {
  std::uint64_t a = (u ^ v) * mul;
  a ^= a >> 47;
  std::uint64_t b = (v ^ a) * mul;
  b ^= b >> 47;
  return b * mul;
}

std::uint64_t hash_0_to_16(const char* s, std::size_t size) {
  if (size >= 8) {
    const std::uint64_t mul = kK2 + size * 2;
    const std::uint64_t a = word(s) + kK2;
    const std::uint64_t b = word(s + size - 8);
    const std::uint64_t c = std::rotr(b, 37) * mul + a;
    const std::uint64_t d = (std::rotr(a, 25) + b) * mul;
    return hash_16(c, d, mul);
  }
  if (size >= 4) {
    const std::uint64_t mul = kK2 + size * 2;
    const std::uint64_t a = load<std::uint32_t>(s);
    return hash_16(size + (a << 3), load<std::uint32_t>(s + size - 4), mul);
  }
  if (size > 0) {
    const auto byte = [&](std::size_t at) {
      return static_cast<std::uint32_t>(static_cast<unsigned char>(s[at]));
    };
    const std::uint32_t y = byte(0) + (byte(size >> 1) << 8);
    const auto z = static_cast<std::uint32_t>(size) + (byte(size - 1) << 2);
    return shift_mix(y * kK2 ^ z * kK0) * kK2;
  }
  return kK2;
}

std::uint64_t hash_17_to_32(const char* s, std::size_t size) {
  const std::uint64_t mul = kK2 + size * 2;
  const std::uint64_t a = word(s) * kK1;
  const std::uint64_t b = word(s + 8);
  const std::uint64_t c = word(s + size - 8) * mul;
  const std::uint64_t d = word(s + size - 16) * kK2;
  return hash_16(
      std::rotr(a + b, 43) + std::rotr(c, 30) + d,
      a + std::rotr(b + kK2, 18) + c,
      mul);
}

std::uint64_t hash_33_to_64(const char* s, std::size_t size) {
  const std::uint64_t mul = kK2 + size * 2;
  const std::uint64_t a = word(s) * kK2;
  const std::uint64_t b = word(s + 8);
  const std::uint64_t c = word(s + size - 8) * mul;
  const std::uint64_t d = word(s + size - 16) * kK2;
  const std::uint64_t y = std::rotr(a + b, 43) + std::rotr(c, 30) + d;
  const std::uint64_t z = hash_16(y, a + std::rotr(b + kK2, 18) + c, mul);
  const std::uint64_t e = word(s + 16) * mul;
  const std::uint64_t f = word(s + 24);
  const std::uint64_t g = (y + word(s + size - 32)) * mul;
  const std::uint64_t h = (z + word(s + size - 24)) * mul;
  return hash_16(
      std::rotr(e + f, 43) + std::rotr(g, 30) + h,
      e + std::rotr(f + a, 18) + g,
      mul);
}

/// 32 bytes into two words.
Pair weak_hash_32(const char* s, std::uint64_t a, std::uint64_t b) {
  a += word(s);
  b = std::rotr(b + a + word(s + 24), 21);
  const std::uint64_t c = a;
  a += word(s + 8);
  a += word(s + 16);
  b += std::rotr(a, 44);
  return {a + word(s + 24), b + c};
}

std::uint64_t hash_long(const char* s, std::size_t size) {
  constexpr std::uint64_t kSeed = 81;
  std::uint64_t x = kSeed;
  std::uint64_t y = kSeed * kK1 + 113;
  std::uint64_t z = shift_mix(y * kK2 + 113) * kK2;
  Pair v = {0, 0};
  Pair w = {0, 0};
  x = x * kK2 + word(s);
  const char* const end = s + ((size - 1) / 64) * 64;
  const char* const last64 = end + ((size - 1) & 63) - 63;
  do {
    x = std::rotr(x + y + v.first + word(s + 8), 37) * kK1;
    y = std::rotr(y + v.second + word(s + 48), 42) * kK1;
    x ^= w.second;
    y += v.first + word(s + 40);
    z = std::rotr(z + w.first, 33) * kK1;
    v = weak_hash_32(s, v.second * kK1, x + w.first);
    w = weak_hash_32(s + 32, z + w.second, y + word(s + 16));
    std::swap(z, x);
    s += 64;
  } while (s != end);
  const std::uint64_t mul = kK1 + ((z & 0xff) << 1);
  s = last64;
  w.first += (size - 1) & 63;
  v.first += w.first;
  w.first += v.first;
  x = std::rotr(x + y + v.first + word(s + 8), 37) * mul;
  y = std::rotr(y + v.second + word(s + 48), 42) * mul;
  x ^= w.second * 9;
  y += v.first * 9 + word(s + 40);
  z = std::rotr(z + w.first, 33) * mul;
  v = weak_hash_32(s, v.second * mul, x + w.first);
  w = weak_hash_32(s + 32, z + w.second, y + word(s + 16));
  std::swap(z, x);
  return hash_16(
      hash_16(v.first, w.first, mul) + shift_mix(y) * kK0 + z,
      hash_16(v.second, w.second, mul) + x,
      mul);
}

}  // namespace

std::uint64_t farm_hash(std::string_view text) {
  const char* const s = text.data();
  const std::size_t size = text.size();
  if (size <= 16) return hash_0_to_16(s, size);
  if (size <= 32) return hash_17_to_32(s, size);
  if (size <= 64) return hash_33_to_64(s, size);
  return hash_long(s, size);
}

std::uint64_t sip_hash(
    std::string_view text, std::uint64_t key0, std::uint64_t key1) {
  std::uint64_t v0 = key0 ^ 0x736f6d6570736575ULL;
  std::uint64_t v1 = key1 ^ 0x646f72616e646f6dULL;
  std::uint64_t v2 = key0 ^ 0x6c7967656e657261ULL;
  std::uint64_t v3 = key1 ^ 0x7465646279746573ULL;
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1;
      v1 = std::rotl(v1, 13) ^ v0;
      v0 = std::rotl(v0, 32);
      v2 += v3;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1;
      v1 = std::rotl(v1, 17) ^ v2;
      v2 = std::rotl(v2, 32);
    }
  };
  const auto absorb = [&](std::uint64_t block) {
    v3 ^= block;
    rounds(2);
    v0 ^= block;
  };
  const std::size_t whole = text.size() / 8 * 8;
  for (std::size_t at = 0; at < whole; at += 8) absorb(word(text.data() + at));
  // The rest, and the size in the highest byte.
  std::uint64_t rest = static_cast<std::uint64_t>(text.size() & 0xff) << 56;
  for (std::size_t at = whole; at < text.size(); ++at) {
    rest |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[at]))
            << (8 * (at - whole));
  }
  absorb(rest);
  v2 ^= 0xff;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

std::uint64_t join_hashes(std::uint64_t first, std::uint64_t second) {
  constexpr std::uint64_t kMul = 0xc6a4a7935bd1e995ULL;
  std::uint64_t result = first ^ kMul;
  result ^= shift_mix(second * kMul) * kMul;
  result *= kMul;
  result = shift_mix(result) * kMul;
  return shift_mix(result);
}

}  // namespace keratin::text
