/// The elementary functions of float32 vectors, accurate to 2 units in the last place or better for every argument,
/// denormals, infinities and NaN included.
///
/// Polynomials come from scripts/fit-polynomials.py. Arguments are reduced as Cody and Waite do it: the multiple of the period
/// is subtracted in two parts, of which the first is short enough to be exact even without fused multiply-add.
///
/// W. J. Cody, W. Waite, *Software Manual for the Elementary Functions*, Prentice-Hall 1980.
#pragma once

#include "vectors.h"
#include <math.h>

/// log 2 in two parts; the first has 12 significant bits, so that its product with an exponent is exact.
#define LOG2_HIGH 0x1.63p-1f
#define LOG2_LOW (-0x1.bd0106p-13f)

/// Adding this and taking it away again rounds to a whole number, which meanwhile stands in the low bits.
#define ROUNDER 0x1.8p23f

INLINE vfloat splat(float value) { return (vfloat)value; }
INLINE vfloat magnitude(vfloat x) { return from_bits(bits_of(x) & 0x7fffffff); }
INLINE vfloat v_negate(vfloat x) { return from_bits(bits_of(x) ^ INT32_MIN); }
INLINE vfloat with_sign_of(vfloat x, vfloat sign) { return from_bits(bits_of(x) | (bits_of(sign) & INT32_MIN)); }

/// x · 2^n for whole n from -252 to 254.
INLINE vfloat scaled(vfloat x, vint n) {
#if SOMA_LANES == 16
    return __builtin_bit_cast(vfloat, _mm512_scalef_ps(__builtin_bit_cast(__m512, x), _mm512_cvtepi32_ps(__builtin_bit_cast(__m512i, n))));
#else
    // In two factors, each a normal number, so that the last product alone overflows or becomes denormal.
    vint half = n >> 1;
    return x * from_bits((half + 127) << 23) * from_bits((n - half + 127) << 23);
#endif
}

/// 2^n for n from -126 to 127.
INLINE vfloat power_of_two(vint n) { return from_bits((n + 127) << 23); }

/// x = n log 2 + r with |r| ≤ log 2 / 2, for |x| up to 200.
INLINE vfloat reduce_by_log2(vfloat x, vint *n) {
    vfloat shifted = x * 0x1.715476p0f + ROUNDER;
    vfloat whole = shifted - ROUNDER;
    *n = bits_of(shifted) - bits_of(splat(ROUNDER));
    return (x - whole * LOG2_HIGH) - whole * LOG2_LOW;
}

/// (exp(r) - 1 - r) / r² for |r| ≤ log 2 / 2.
INLINE vfloat exp_series(vfloat r) {
    vfloat q = 0x1.6a3d8cp-10f * r + 0x1.1239aap-7f;
    q = q * r + 0x1.5558cp-5f;
    q = q * r + 0x1.555492p-3f;
    return q * r + 0x1.fffffcp-2f;
}

/// exp(r), with the bits that 1 + r would lose.
INLINE vfloat exp_reduced(vfloat r) {
    vfloat high = 1.0f + r, low = (1.0f - high) + r;
    return high + (r * r * exp_series(r) + low);
}

INLINE vfloat v_exp(vfloat x) {
    // Beyond these bounds the result is 0 or infinite anyway; a NaN passes both comparisons.
    x = x > 90.0f ? splat(90.0f) : x;
    x = x < -105.0f ? splat(-105.0f) : x;
    vint n;
    vfloat r = reduce_by_log2(x, &n);
    return scaled(1.0f + (r * r * exp_series(r) + r), n);
}

INLINE vfloat v_expm1(vfloat x) {
    vfloat clamped = x > 89.0f ? splat(89.0f) : x;
    clamped = clamped < -18.0f ? splat(-18.0f) : clamped;
    vint n;
    vfloat r = reduce_by_log2(clamped, &n);
    vfloat p = r * r * exp_series(r) + r;
    // Half of 2^n p + (2^n - 1): 2^n itself may be too large.
    vfloat scale = power_of_two(n - 1);
    vfloat result = 2.0f * (scale * p + (scale - 0.5f));
    // Keeps the sign of zero and every denormal.
    return magnitude(x) < 0x1p-24f ? x : result;
}

/// x = 2^e (1 + f) with 1 + f between √½ and √2, for positive finite x.
INLINE vfloat split_exponent(vfloat x, vfloat *e) {
    vint small = x < 0x1p-126f;
    vint bits = bits_of(small ? x * 0x1p23f : x) + (0x3f800000 - 0x3f3504f3);
    vint exponent = (bits >> 23) - 127 - (small & 23);
    *e = __builtin_convertvector(exponent, vfloat);
    return from_bits((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
}

/// e log 2 + log(1 + f) + correction.
INLINE vfloat log_assembled(vfloat f, vfloat e, vfloat correction) {
    vfloat p = -0x1.38a7b8p-4f * f + 0x1.05418ep-3f;
    p = p * f - 0x1.0d7a7cp-3f;
    p = p * f + 0x1.22dd0cp-3f;
    p = p * f - 0x1.5473ep-3f;
    p = p * f + 0x1.999ffcp-3f;
    p = p * f - 0x1.00022p-2f;
    p = p * f + 0x1.555554p-2f;
    vfloat square = f * f;
    vfloat low = square * f * p + (e * LOG2_LOW + correction);
    return e * LOG2_HIGH + (f + (low - 0.5f * square));
}

/// What the logarithm of x is where x is not a positive finite number.
INLINE vfloat log_special(vfloat x, vfloat result) {
    result = x == INFINITY ? x : result;
    result = x == 0.0f ? splat(-INFINITY) : result;
    return x < 0.0f ? splat(NAN) : x != x ? x : result;
}

INLINE vfloat v_log(vfloat x) {
    vfloat e, f = split_exponent(x, &e);
    return log_special(x, log_assembled(f, e, splat(0.0f)));
}

INLINE vfloat v_log1p(vfloat x) {
    vfloat u = 1.0f + x;
    vfloat e, f = split_exponent(u, &e);
    // What was rounded away in 1 + x, to first order.
    vfloat lost = x > 1.0f ? (u - x) - 1.0f : (u - 1.0f) - x;
    vfloat result = log_special(u, log_assembled(f, e, -lost / u));
    return magnitude(x) < 0x1p-24f ? x : result;
}

INLINE vfloat v_sigmoid(vfloat x) {
    vfloat e = v_exp(-magnitude(x));
    vfloat sum = 1.0f + e, lost = (1.0f - sum) + e;
    vfloat quotient = (x >= 0.0f ? splat(1.0f) : e) / sum;
    // The sum was rounded: to first order, what it lost over the sum itself, whose reciprocal is at hand.
    return quotient - quotient * lost * (x >= 0.0f ? quotient : 1.0f - quotient);
}

INLINE vfloat v_tanh(vfloat x) {
    vfloat z = x * x;
    vfloat p = -0x1.82626cp-8f * z + 0x1.54bdd6p-6f;
    p = p * z - 0x1.b89a28p-5f;
    p = p * z + 0x1.1109bcp-3f;
    p = p * z - 0x1.55553ep-2f;
    vfloat y = magnitude(x);
    vfloat near = y * z * p + y;
    // 1 - 2 / (e^2x + 1), which is 1 from 9.1 on.
    vfloat far = 1.0f - 2.0f / (v_exp(y > 10.0f ? splat(20.0f) : 2.0f * y) + 1.0f);
    return with_sign_of(y < 0.6f ? near : far, x);
}

INLINE vfloat v_erf(vfloat x) {
    vfloat z = x * x;
    vfloat p = 0x1.477ce6p-14f * z - 0x1.a3546ap-11f;
    p = p * z + 0x1.53f26ap-8f;
    p = p * z - 0x1.b7f71ep-6f;
    p = p * z + 0x1.ce2ce6p-4f;
    p = p * z - 0x1.81273ep-2f;
    p = p * z + 0x1.06eba8p-3f;
    vfloat near = x * p + x;
    vfloat y = magnitude(x);
    vfloat t = (y > 4.0f ? splat(4.0f) : y) - 2.0f;
    vfloat l = -0x1.2f4e3cp-17f * t + 0x1.5e8bcep-13f;
    l = l * t - 0x1.780948p-11f;
    l = l * t + 0x1.d2063p-9f;
    l = l * t - 0x1.0e0066p-6f;
    l = l * t - 0x1.d8f622p-1f;
    l = l * t - 0x1.1ac322p+2f;
    l = l * t - 0x1.575b32p+2f;
    vint n;
    vfloat r = reduce_by_log2(l, &n);
    vfloat complement = exp_reduced(r) * power_of_two(n);
    vfloat far = with_sign_of(1.0f - complement, x);
    return y > 1.0f ? far : near;
}

/// The sine of x + quarter · π/2.
INLINE vfloat sine_from_quarter(vfloat x, int quarter, float (*fallback)(float)) {
    vint large = ~(magnitude(x) <= 1e6f);
    vdouble wide = __builtin_convertvector(large ? splat(0.0f) : x, vdouble);
    // π/2 in two parts: the first has 33 bits, so that its product with a whole number below 2^20 is exact.
    vdouble shifted = wide * 0x1.45f306dc9c883p-1 + 0x1.8p52;
    vdouble whole = shifted - 0x1.8p52;
    vfloat r = __builtin_convertvector((wide - whole * 0x1.921fb544p0) - whole * 0x1.0b4611a626331p-34, vfloat);
    vint n = __builtin_convertvector(__builtin_bit_cast(vlong, shifted), vint) + quarter;
    vfloat z = r * r;
    vfloat s = 0x1.7c3b88p-19f * z - 0x1.a05972p-13f;
    s = s * z + 0x1.111174p-7f;
    s = s * z - 0x1.555556p-3f;
    vfloat sine = r * z * s + r;
    vfloat c = 0x1.99e9f2p-16f * z - 0x1.6c0c2cp-10f;
    c = c * z + 0x1.55554ap-5f;
    vfloat cosine = z * z * c + (1.0f - 0.5f * z);
    vfloat result = (n & 1) != 0 ? cosine : sine;
    result = from_bits(bits_of(result) ^ ((n & 2) << 30));
    if (any(large)) {
        for (int lane = 0; lane < SOMA_LANES; lane++) {
            if (large[lane]) { result[lane] = fallback(x[lane]); }
        }
    }
    return result;
}

INLINE vfloat v_sin(vfloat x) {
    // Zero keeps its sign.
    return x == 0.0f ? x : sine_from_quarter(x, 0, sinf);
}

INLINE vfloat v_cos(vfloat x) { return sine_from_quarter(x, 1, cosf); }

INLINE vfloat v_sign(vfloat x) { return x > 0.0f ? splat(1.0f) : x < 0.0f ? splat(-1.0f) : x; }

/// log2 of positive finite x in double precision.
INLINE vdouble log2_wide(vfloat x) {
    vfloat e, f = split_exponent(x, &e);
    vdouble wide = __builtin_convertvector(f, vdouble);
    vdouble s = wide / (wide + 2.0), z = s * s;
    // 2 atanh(s) / log 2: the Taylor series to 4e-12, for |s| < 0.172.
    vdouble p = z * (1.0 / 13) + 1.0 / 11;
    p = p * z + 1.0 / 9;
    p = p * z + 1.0 / 7;
    p = p * z + 1.0 / 5;
    p = p * z + 1.0 / 3;
    p = p * z + 1.0;
    return __builtin_convertvector(e, vdouble) + s * p * 0x1.71547652b82fep+1;
}

INLINE vfloat v_log2(vfloat x) { return log_special(x, __builtin_convertvector(log2_wide(x), vfloat)); }

/// Rounded once from double precision: nearer to the true value than to any other float, so exact where that is a float.
INLINE vfloat v_log10(vfloat x) { return log_special(x, __builtin_convertvector(log2_wide(x) * 0x1.34413509f79ffp-2, vfloat)); }

/// 2^x in double precision, rounded to float once, for |x| ≤ 1000.
INLINE vfloat exp2_wide(vdouble x) {
    vdouble shifted = x + 0x1.8p52, whole = shifted - 0x1.8p52;
    vlong n = __builtin_bit_cast(vlong, shifted) - 0x4338000000000000;
    vdouble r = (x - whole) * 0x1.62e42fefa39efp-1;
    vdouble p = r * (1.0 / 362880) + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 1.0 / 2;
    p = p * r + 1.0;
    p = p * r + 1.0;
    vdouble scale = __builtin_bit_cast(vdouble, (n + 1023) << 52);
    return __builtin_convertvector(p * scale, vfloat);
}

INLINE vfloat v_power(vfloat x, vfloat y) {
    vfloat base = magnitude(x);
    vint ordinary = (base > 0.0f) & (base < INFINITY) & (magnitude(y) < INFINITY);
    // A negative base has a power where the exponent is a whole number; an odd one gives a negative power.
    vfloat whole = __builtin_elementwise_trunc(y);
    vint odd = __builtin_elementwise_trunc(y * 0.5f) * 2.0f != whole;
    ordinary &= (x > 0.0f) | (whole == y);
    vdouble exponent = log2_wide(ordinary ? base : splat(1.0f)) * __builtin_convertvector(ordinary ? y : splat(0.0f), vdouble);
    exponent = exponent > 200.0 ? (vdouble)200.0 : exponent;
    exponent = exponent < -200.0 ? (vdouble)-200.0 : exponent;
    vfloat result = exp2_wide(exponent);
    result = from_bits(bits_of(result) ^ ((x < 0.0f) & odd & INT32_MIN));
    if (any(~ordinary)) {
        for (int lane = 0; lane < SOMA_LANES; lane++) {
            if (!ordinary[lane]) { result[lane] = powf(x[lane], y[lane]); }
        }
    }
    return result;
}

/// The remainder of x / y with the sign of x.
INLINE vfloat v_remainder(vfloat x, vfloat y) {
    vfloat top = magnitude(x), bottom = magnitude(y);
    vdouble wide = __builtin_convertvector(top, vdouble), divisor = __builtin_convertvector(bottom, vdouble);
    // Exact while the quotient has at most 29 bits: then its product with y has 53.
    vfloat quotient = top / bottom;
    vint ordinary = (quotient < 0x1p28f) & (bottom > 0.0f) & (bottom < INFINITY);
    vdouble count = __builtin_elementwise_trunc(wide / (divisor == 0.0 ? (vdouble)1.0 : divisor));
    vdouble rest = wide - count * divisor;
    rest = rest < 0.0 ? rest + divisor : rest;
    rest = rest >= divisor ? rest - divisor : rest;
    vfloat result = with_sign_of(__builtin_convertvector(rest, vfloat), x);
    if (any(~ordinary)) {
        for (int lane = 0; lane < SOMA_LANES; lane++) {
            if (!ordinary[lane]) { result[lane] = fmodf(x[lane], y[lane]); }
        }
    }
    return result;
}
