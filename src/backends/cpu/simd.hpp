// How every vectorised source of this folder begins: the targets that are
// compiled and chosen from at run time: AVX-512, AVX2, and plain loops for what
// is older. Highway knows more steps between these; each would add to the size
// of the library and gain little.
//
// No include guard: foreach_target.h includes the source several times.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#endif
