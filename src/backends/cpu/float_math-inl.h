// float32 functions for vectors, within a few units in the last place of the
// exact value; infinities and NaN as the C library has them. Included once per
// instruction set.

#if defined(KERATIN_CPU_FLOAT_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef KERATIN_CPU_FLOAT_MATH_INL_H
#undef KERATIN_CPU_FLOAT_MATH_INL_H
#else
#define KERATIN_CPU_FLOAT_MATH_INL_H
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <limits>

HWY_BEFORE_NAMESPACE();

namespace keratin::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Highway's functions are right for finite arguments in their range; what they
// make of the others is mended here.

template <class D, class V>
HWY_INLINE V sign_of(D d, V x) {
  const V one = hn::CopySign(hn::Set(d, 1.0F), x);
  return hn::IfThenElse(
      hn::Or(hn::Eq(x, hn::Zero(d)), hn::IsNaN(x)),
      hn::Add(x, hn::Zero(d)),
      one);
}

template <class D, class V>
HWY_INLINE V exp_of(D d, V x) {
  constexpr float kOverflow = 88.7228394F;  // log of the largest float, up
  const V inf = hn::Set(d, std::numeric_limits<float>::infinity());
  const V y = hn::IfThenElse(
      hn::Ge(x, hn::Set(d, kOverflow)),
      inf,
      hn::Exp(d, hn::Min(x, hn::Set(d, kOverflow))));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

template <class D, class V>
HWY_INLINE V expm1_of(D d, V x) {
  const V y = hn::IfThenElse(
      hn::Lt(hn::Abs(x), hn::Set(d, 0.5F)),
      hn::Expm1(d, x),
      hn::Sub(exp_of(d, x), hn::Set(d, 1.0F)));
  return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, y);
}

// What log and log1p have in common: u = x or 1 + x.
template <class D, class V>
HWY_INLINE V mend_log(D d, V u, V y) {
  const V inf = hn::Set(d, std::numeric_limits<float>::infinity());
  const V nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  y = hn::IfThenElse(hn::Eq(u, hn::Zero(d)), hn::Neg(inf), y);
  y = hn::IfThenElse(hn::Lt(u, hn::Zero(d)), nan, y);
  y = hn::IfThenElse(hn::Eq(u, inf), inf, y);
  return hn::IfThenElse(hn::IsNaN(u), u, y);
}

template <class D, class V>
HWY_INLINE V log_of(D d, V x) {
  return mend_log(d, x, hn::Log(d, x));
}

template <class D, class V>
HWY_INLINE V log1p_of(D d, V x) {
  // log(1 + x) = log(u) * x / (u - 1) with u = 1 + x rounded (Kahan).
  const V one = hn::Set(d, 1.0F);
  const V u = hn::Add(one, x);
  const V difference = hn::Sub(u, one);
  const auto tiny = hn::Eq(difference, hn::Zero(d));
  const V safe = hn::IfThenElse(tiny, one, difference);
  const V y = hn::IfThenElse(tiny, x, hn::Mul(hn::Log(d, u), hn::Div(x, safe)));
  return mend_log(d, u, y);
}

template <class D, class V>
HWY_INLINE V tanh_of(D d, V x) {
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Tanh(d, x));
}

// 1 / (1 + e^-x); for x very low e^-x is infinite and the result 0, as it
// should be.
template <class D, class V>
HWY_INLINE V sigmoid_of(D d, V x) {
  const V one = hn::Set(d, 1.0F);
  return hn::Div(one, hn::Add(one, exp_of(d, hn::Neg(x))));
}

template <class D, class V>
HWY_INLINE V softplus_of(D d, V x) {
  const V positive = hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
  return hn::Add(positive, log1p_of(d, exp_of(d, hn::Neg(hn::Abs(x)))));
}

// Minimax polynomials by N. Juffa: of erf itself near 0, of log(1 - erf)
// beyond.
template <class D, class V>
HWY_INLINE V erf_of(D d, V x) {
  const V t = hn::Abs(x);
  const V s = hn::Mul(x, x);
  V far =
      hn::MulAdd(hn::Set(d, -1.72853470e-5F), t, hn::Set(d, 3.83197126e-4F));
  const V u =
      hn::MulAdd(hn::Set(d, -3.88396438e-3F), t, hn::Set(d, 2.42546219e-2F));
  far = hn::MulAdd(far, s, u);
  far = hn::MulAdd(far, t, hn::Set(d, -1.06777877e-1F));
  far = hn::MulAdd(far, t, hn::Set(d, -6.34846687e-1F));
  far = hn::MulAdd(far, t, hn::Set(d, -1.28717512e-1F));
  far = hn::MulAdd(far, t, hn::Neg(t));
  far = hn::CopySign(hn::Sub(hn::Set(d, 1.0F), exp_of(d, far)), x);
  // The first polynomial turns back far out, where erf has long been 1.
  far = hn::IfThenElse(
      hn::Gt(t, hn::Set(d, 4.0F)), hn::CopySign(hn::Set(d, 1.0F), x), far);
  V near = hn::Set(d, -5.96761703e-4F);
  near = hn::MulAdd(near, s, hn::Set(d, 4.99119423e-3F));
  near = hn::MulAdd(near, s, hn::Set(d, -2.67681349e-2F));
  near = hn::MulAdd(near, s, hn::Set(d, 1.12819925e-1F));
  near = hn::MulAdd(near, s, hn::Set(d, -3.76125336e-1F));
  near = hn::MulAdd(near, s, hn::Set(d, 1.28379166e-1F));
  near = hn::MulAdd(near, x, x);
  const V y = hn::IfThenElse(hn::Gt(t, hn::Set(d, 0.927734375F)), far, near);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

}  // namespace keratin::cpu::HWY_NAMESPACE

HWY_AFTER_NAMESPACE();

#endif  // per target
