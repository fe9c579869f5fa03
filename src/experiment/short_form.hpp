#pragma once

#include <string>

#include <keratin/config.hpp>

namespace keratin::experiment {

/// Whether this is {"Dense": {...}}: one key that reads like a class, with its
/// arguments (or null).
bool is_short_form(const Config& config);

/// The config with every short form in it written out as Keras writes it:
///
///   {"Dense": {"units": 10, "kernel_regularizer": {"L2": {"l2": 0.01}}}}
///   {"class_name": "Dense", "config": {"units": 10, "kernel_regularizer":
///       {"class_name": "L2", "config": {"l2": 0.01}}}}
Config expand_short_forms(const Config& config);

}  // namespace keratin::experiment
