#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include <keratin/ops.hpp>

/// What schedules compute with, for numbers on the host and values of a graph
/// alike: each formula is written once, as a template. Numbers are float and
/// constants are rounded to it, as Keras computes schedules.
namespace keratin::schedules::math {

// clang-format off
inline float floor(float x) { return std::floor(x); }
inline float ceil(float x) { return std::ceil(x); }
inline float cos(float x) { return std::cos(x); }
inline float log(float x) { return std::log(x); }
inline float pow(float x, float y) { return std::pow(x, y); }
inline float min(float x, float y) { return std::min(x, y); }
/// x where t < limit, else y.
inline float below(float t, float limit, float x, float y) { return t < limit ? x : y; }
/// x where t <= limit, else y.
inline float up_to(float t, float limit, float x, float y) { return t <= limit ? x : y; }
inline float constant_like(float, float x) { return x; }

inline Value floor(const Value& x) { return ops::floor(x); }
inline Value ceil(const Value& x) { return ops::ceil(x); }
inline Value cos(const Value& x) { return ops::cos(x); }
inline Value log(const Value& x) { return ops::log(x); }
inline Value pow(const Value& x, float y) { return ops::power(x, y); }
inline Value pow(float x, const Value& y) { return ops::power(ops::scalar_like(y, x), y); }
inline Value min(const Value& x, float y) { return ops::minimum(x, y); }
inline Value below(const Value& t, float limit, const Value& x, const Value& y) { return ops::where(ops::less(t, limit), x, y); }
inline Value up_to(const Value& t, float limit, const Value& x, const Value& y) { return ops::where(ops::less_equal(t, limit), x, y); }
inline Value constant_like(const Value& t, float x) { return ops::scalar_like(t, x); }

/// pi * t / steps. TensorFlow folds the constants of a graph, and so rounds
/// otherwise there than outside: what a training step of Keras computes.
inline float angle(float t, float steps) { return std::numbers::pi_v<float> * (t / steps); }
inline Value angle(const Value& t, float steps) { return t * (std::numbers::pi_v<float> / steps); }

// clang-format on

}  // namespace keratin::schedules::math
