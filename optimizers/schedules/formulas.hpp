#pragma once

#include <algorithm>
#include <cmath>

#include <keratin/ops.hpp>

/// What schedules compute with, for numbers on the host and values of a graph
/// alike: each formula is written once, as a template.
namespace keratin::schedules::math {

// clang-format off
inline double floor(double x) { return std::floor(x); }
inline double ceil(double x) { return std::ceil(x); }
inline double cos(double x) { return std::cos(x); }
inline double log(double x) { return std::log(x); }
inline double pow(double x, double y) { return std::pow(x, y); }
inline double min(double x, double y) { return std::min(x, y); }
/// x where t < limit, else y.
inline double below(double t, double limit, double x, double y) { return t < limit ? x : y; }
/// x where t <= limit, else y.
inline double up_to(double t, double limit, double x, double y) { return t <= limit ? x : y; }
inline double constant_like(double, double x) { return x; }

inline Value floor(const Value& x) { return ops::floor(x); }
inline Value ceil(const Value& x) { return ops::ceil(x); }
inline Value cos(const Value& x) { return ops::cos(x); }
inline Value log(const Value& x) { return ops::log(x); }
inline Value pow(const Value& x, double y) { return ops::power(x, y); }
inline Value pow(double x, const Value& y) { return ops::power(ops::scalar_like(y, x), y); }
inline Value min(const Value& x, double y) { return ops::minimum(x, y); }
inline Value below(const Value& t, double limit, const Value& x, const Value& y) { return ops::where(ops::less(t, limit), x, y); }
inline Value up_to(const Value& t, double limit, const Value& x, const Value& y) { return ops::where(ops::less_equal(t, limit), x, y); }
inline Value constant_like(const Value& t, double x) { return ops::scalar_like(t, x); }

// clang-format on

}  // namespace keratin::schedules::math
