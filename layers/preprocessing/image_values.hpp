#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <keratin/value.hpp>

/// What the operations on images share.
namespace keratin::ops::image {

/// Calls f on the images as [batch, height, width, channels] and brings its
/// result, of the same rank, back into their form. Throws InvalidArgument
/// "[who]
/// ..." for images of another rank than 3 or 4 and for an unknown data_format.
Value on_batch(
    const char* who,
    const Value& images,
    const std::string& data_format,
    const std::function<Value(const Value&)>& f);

/// Throws InvalidArgument unless `value` is one of `choices` ("a, b or c").
void expect_choice(
    const char* who,
    const char* what,
    const std::string& value,
    std::initializer_list<const char*> choices);

/// x read where the float32 arrays at_x and at_y, [batch or 1, height, width],
/// point to. `outside`, bool and optional, marks what gets the fill value.
Value sample(
    const Value& x,
    const Value& at_x,
    const Value& at_y,
    const Value& outside,
    const std::string& interpolation,
    const std::string& fill_mode,
    double fill_value);

/// affine_transform of [batch, height, width, channels] for transforms whose
/// last two numbers are zero.
Value affine(
    const Value& x,
    const Value& transform,
    const std::string& interpolation,
    const std::string& fill_mode,
    double fill_value);

/// Whole numbers, halves away from zero.
Value round_away(const Value& x);

}  // namespace keratin::ops::image
