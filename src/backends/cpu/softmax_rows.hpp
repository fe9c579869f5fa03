#pragma once

#include <cstdint>

namespace keratin::cpu {

/// Of a row x: its largest element and log(sum(exp(x - largest))).
struct Spread {
  float largest = 0;
  float log_sum = 0;
};

Spread spread_of(const float* x, std::int64_t n);

/// y = softmax(x); y may be x.
void softmax_row(const float* x, float* y, std::int64_t n);

/// y = log(softmax(x)); y may be x.
void log_softmax_row(const float* x, float* y, std::int64_t n);

/// -sum(labels * log(softmax(x)))
float cross_entropy_row(const float* x, const float* labels, std::int64_t n);

}  // namespace keratin::cpu
