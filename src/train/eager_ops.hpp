#pragma once

#include <cstddef>

namespace keratin {

/// How many programs the functions of ops keep for arrays.
inline constexpr std::size_t kEagerPrograms = 256;

/// How many they hold now.
std::size_t eager_program_count();

}  // namespace keratin
