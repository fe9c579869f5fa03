#pragma once

#include <cstdint>

#include <keratin/export.hpp>

namespace keratin {

/// Seeds everything random that has no seed of its own: initializers, dropout,
/// shuffling. The same seed gives the same random bits for any thread count.
KERATIN_API void set_random_seed(std::uint64_t seed);

/// A fresh seed from the stream that set_random_seed starts; without one it
/// comes from the operating system. Safe to call from several threads.
KERATIN_API std::uint64_t next_seed();

}  // namespace keratin
