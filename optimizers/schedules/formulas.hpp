#pragma once

#include <algorithm>
#include <cmath>

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


// TensorFlow folds the constants of a graph, and divides by none: a training
// step of Keras rounds otherwise than a call of its schedule. So do these.

/// t / steps.
inline float per(float t, float steps) { return t / steps; }
inline Value per(const Value& t, float steps) { return t * (1 / steps); }
/// factor * t / steps.
inline float per(float factor, float t, float steps) { return factor * (t / steps); }
inline Value per(float factor, const Value& t, float steps) { return t * (factor * (1 / steps)); }
/// first * ((1 - alpha) * (0.5 * top * wave) + alpha).
inline float waves(float first, float alpha, float top, float wave) { return first * ((1 - alpha) * (0.5F * top * wave) + alpha); }
inline Value waves(float first, float alpha, const Value& top, const Value& wave) {
  if (alpha == 0) return first * 0.5F * top * wave;
  return first * ((1 - alpha) * 0.5F * top * wave + alpha);
}

// clang-format on

}  // namespace keratin::schedules::math
