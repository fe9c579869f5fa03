#pragma once

#include "src/runtime/choices.hpp"

namespace keratin {

/// The choices of this process, which begin with those that earlier ones have
/// left in the cache folder: choices.json there. A damaged or unreadable file
/// counts as none.
Choices& remembered_choices();

/// Leaves what was added since for later processes. What another process has
/// left in the meantime is kept and comes first. Where the folder cannot be
/// written, nothing happens but a line in the log channel `dispatch`.
void save_remembered_choices();

/// For tests: forgets what this process knows, as a new one would.
void forget_remembered_choices();

}  // namespace keratin
