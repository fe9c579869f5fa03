#pragma once

#include <cstdint>
#include <string_view>

/// The hashes behind Keras's Hashing, HashedCrossing and lookups, as TensorFlow
/// computes them: equal on every machine.
namespace keratin::text {

/// FarmHash's Fingerprint64 (tf.strings.to_hash_bucket_fast).
std::uint64_t farm_hash(std::string_view text);

/// SipHash-2-4 with a key of two words (tf.strings.to_hash_bucket_strong).
std::uint64_t sip_hash(
    std::string_view text, std::uint64_t key0, std::uint64_t key1);

/// TensorFlow's FingerprintCat64, which tf.sparse.cross_hashed chains.
std::uint64_t join_hashes(std::uint64_t first, std::uint64_t second);

}  // namespace keratin::text
