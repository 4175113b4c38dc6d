// The scalar functions that generated text calls: soma_<function>_<type>(x), one for each function and type of the graph.
//
// A CPU-like device has some of them in activations_cpu.cl, which comes before.
//
// What C writes with an operator and means the same (float arithmetic, comparisons, logic on bool) is generated as that operator.
// Accuracy is that of OpenCL's full profile: at most 4 units in the last place for exp, log and their like, 5 for tanh, 16 for erf and pow.

// MARK: float

static float soma_sign_float(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; }
#if !SOMA_CPU
#define soma_exp_float(x) exp(x)
// ±1 where no float is nearer: some devices are a last place short of it, and gradients multiply 1 - tanh(x)^2 by large numbers.
static float soma_tanh_float(float x) { return fabs(x) > 9.02f ? copysign(1.0f, x) : tanh(x); }
#endif
static float soma_sigmoid_float(float x) { return 1.0f / (1.0f + soma_exp_float(-x)); }

#define soma_abs_float(x) fabs(x)
#define soma_expm1_float(x) expm1(x)
#define soma_log_float(x) log(x)
#define soma_log1p_float(x) log1p(x)
// e + log2(m) with x = 2^e m and m between √½ and √2: exact where x is a power of two, since log2(1) is 0 everywhere.
static float soma_log2_float(float x) {
    if (!(x > 0.0f && x < INFINITY)) return log2(x);
    int isDenormal = x < 0x1p-126f;
    int bits = as_int(isDenormal ? x * 0x1p23f : x) - 0x3f3504f3;
    float m = as_float((bits & 0x7fffff) + 0x3f3504f3);
    return (float)((bits >> 23) - (isDenormal ? 23 : 0)) + log2(m);
}
// Exact at 10^0 to 10^10, the powers of ten that a float holds: the products that make them are exact too.
static float soma_log10_float(float x) {
    float y = log10(x), whole = rint(y), power = 1.0f;
    for (int i = 0; i < 10; i++) power *= i < whole ? 10.0f : 1.0f;
    return x == power ? whole : y;
}
#define soma_sqrt_float(x) sqrt(x)
#define soma_rsqrt_float(x) rsqrt(x)
#define soma_reciprocal_float(x) (1.0f / (x))
#define soma_sin_float(x) sin(x)
#define soma_cos_float(x) cos(x)
#define soma_erf_float(x) erf(x)
#define soma_floor_float(x) floor(x)
#define soma_ceil_float(x) ceil(x)
// To the nearest whole number, ties to even.
#define soma_round_float(x) rint(x)

#define soma_power_float(a, b) pow(a, b)
#define soma_remainder_float(a, b) fmod(a, b)
#ifdef FP_FAST_FMAF
#define soma_multiply_add_float(a, b, c) fma(a, b, c)
#else
#define soma_multiply_add_float(a, b, c) ((a) * (b) + (c))
#endif

// MARK: integers

// T is the type, U its unsigned twin, in which overflow wraps; BITS is the width.
#define SOMA_ANY_INTEGER(T, U, BITS) \
    static T soma_negate_##T(T x) { return (T)((U)0 - (U)x); } \
    static T soma_add_##T(T a, T b) { return (T)((U)a + (U)b); } \
    static T soma_subtract_##T(T a, T b) { return (T)((U)a - (U)b); } \
    static T soma_multiply_##T(T a, T b) { return (T)((U)a * (U)b); } \
    static T soma_multiply_add_##T(T a, T b, T c) { return (T)((U)a * (U)b + (U)c); } \
    static T soma_shiftLeft_##T(T a, T b) { return (T)((U)a << ((U)b & (BITS - 1))); } \
    static T soma_shiftRight_##T(T a, T b) { return (T)(a >> ((U)b & (BITS - 1))); }

// Division truncates towards zero; by zero it gives 0. The quotient by −1 is a negation, which wraps where hardware traps.
#define SOMA_SIGNED_INTEGER(T, U, BITS) \
    SOMA_ANY_INTEGER(T, U, BITS) \
    static T soma_abs_##T(T x) { return x < 0 ? soma_negate_##T(x) : x; } \
    static T soma_sign_##T(T x) { return (T)((x > 0) - (x < 0)); } \
    static T soma_divide_##T(T a, T b) { return b == 0 ? 0 : b == -1 ? soma_negate_##T(a) : a / b; } \
    static T soma_remainder_##T(T a, T b) { return b == 0 || b == -1 ? 0 : a % b; }

#define SOMA_UNSIGNED_INTEGER(T, BITS) \
    SOMA_ANY_INTEGER(T, T, BITS) \
    static T soma_abs_##T(T x) { return x; } \
    static T soma_sign_##T(T x) { return (T)(x != 0); } \
    static T soma_divide_##T(T a, T b) { return b == 0 ? (T)0 : (T)(a / b); } \
    static T soma_remainder_##T(T a, T b) { return b == 0 ? (T)0 : (T)(a % b); }

SOMA_SIGNED_INTEGER(int, uint, 32)
SOMA_SIGNED_INTEGER(long, ulong, 64)
SOMA_UNSIGNED_INTEGER(uint, 32)
SOMA_UNSIGNED_INTEGER(uchar, 8)

// MARK: all types

// NaN if either is NaN.
static float soma_minimum_float(float a, float b) { return a < b || a != a ? a : b; }
static float soma_maximum_float(float a, float b) { return a > b || a != a ? a : b; }

#define SOMA_ORDERED(T) \
    static T soma_minimum_##T(T a, T b) { return a < b ? a : b; } \
    static T soma_maximum_##T(T a, T b) { return a > b ? a : b; }

SOMA_ORDERED(int)
SOMA_ORDERED(long)
SOMA_ORDERED(uint)
SOMA_ORDERED(uchar)

// A float as an integer: truncated towards zero, saturated, NaN as 0. Every other conversion is C's. What C leaves open, and OpenCL's
// saturating conversions of NaN do on some devices, is never asked for. BELOW and ABOVE are the first floats at or beyond the ends.
#define SOMA_TRUNCATE(T, BELOW, ABOVE, LOWEST, HIGHEST) \
    static T soma_truncate_##T(float x) { return x != x ? (T)0 : x >= ABOVE ? (T)HIGHEST : x <= BELOW ? (T)LOWEST : (T)x; }

SOMA_TRUNCATE(int, -0x1p31f, 0x1p31f, INT_MIN, INT_MAX)
SOMA_TRUNCATE(uint, 0.0f, 0x1p32f, 0, UINT_MAX)
SOMA_TRUNCATE(long, -0x1p63f, 0x1p63f, LONG_MIN, LONG_MAX)
SOMA_TRUNCATE(uchar, 0.0f, 0x1p8f, 0, UCHAR_MAX)

// MARK: argmax and argmin

// Whether (a, index i) goes before (b, index j): NaN first, then the greater (BEFORE is >) or the lesser (<), then the lower index.
#define SOMA_PRECEDES(a, i, b, j, BEFORE) \
    ((a) != (a) ? ((b) == (b) || (i) < (j)) : ((a) BEFORE (b) || ((a) == (b) && (i) < (j))))
