#pragma once

namespace keratin::testing {

/// A team of several threads, for what must not depend on their number. One
/// where the thread sanitizer watches: it does not know libgomp's barriers.
#if defined(__SANITIZE_THREAD__)
inline constexpr int kTeam = 1;
#else
inline constexpr int kTeam = 3;
#endif

}  // namespace keratin::testing
