#pragma once

#include <string>

#include <keratin/dtype.hpp>
#include <keratin/value.hpp>

namespace keratin::losses {

/// Keras's apply_mask: weights that leave out what the mask does not count.
/// Either may be empty; empty when both are.
Value apply_mask(
    const Value& sample_weight,
    const Value& mask,
    DType dtype,
    const std::string& reduction);

}  // namespace keratin::losses
