#pragma once

#include <cstdint>

#include "src/ir/variable_state.hpp"
#include "src/runtime/backend.hpp"

namespace keratin {

/// Makes the device hold the variable's value: allocates storage when there is
/// none or another backend's, uploads when the host copy is newer. Returns the
/// value's version.
std::uint64_t move_to_device(VariableState& state, Backend& backend);

/// A variable that no model has, uninitialised, without a host copy.
Variable make_device_variable(
    Backend& backend, DType dtype, const Shape& shape);

/// Makes the host copy hold the value, too.
void fetch_to_host(const VariableState& state);

/// After a step that assigned the variable: the device holds the value now.
void note_assigned(VariableState& state);

/// After a step that failed half-way: the host copy (REQUIRES: fetched before
/// the step) is the value, whatever the device has.
void restore_from_host(VariableState& state);

}  // namespace keratin
