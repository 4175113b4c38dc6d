/// The loops over whole numbers and bytes: one statement an element, made into vectors by the compiler.
#pragma once

#include "loops.h"
#include "vectors.h"

// A result may be written over an argument, element by element: that is no obstacle to computing several at once.
#define ELEMENTWISE _Pragma("clang loop vectorize(assume_safety)")

#define LOOP(name, A, B, R, result) \
    static void name(long count, void *out, const void *first, const void *second, const void *third) { \
        const A *a = first; \
        const B *b = second; \
        R *to = out; \
        (void)b, (void)third; \
        ELEMENTWISE for (long i = 0; i < count; i++) { to[i] = (R)(result); } \
    }

// W is the unsigned type in which T wraps around; MASK its number of bits less one.
#define ARITHMETIC(T, W, MASK, LOWEST) \
    LOOP(T##_add, T, T, T, (W)a[i] + (W)b[i]) \
    LOOP(T##_subtract, T, T, T, (W)a[i] - (W)b[i]) \
    LOOP(T##_multiply, T, T, T, (W)a[i] * (W)b[i]) \
    LOOP(T##_divide, T, T, T, b[i] == 0 ? 0 : LOWEST != 0 && b[i] == (T)-1 ? (T)(0 - (W)a[i]) : a[i] / b[i]) \
    LOOP(T##_remainder, T, T, T, b[i] == 0 || (LOWEST != 0 && b[i] == (T)-1) ? 0 : a[i] % b[i]) \
    LOOP(T##_negate, T, T, T, 0 - (W)a[i]) \
    LOOP(T##_abs, T, T, T, a[i] < 0 ? 0 - (W)a[i] : (W)a[i]) \
    LOOP(T##_sign, T, T, T, (a[i] > 0) - (a[i] < 0)) \
    LOOP(T##_shift_left, T, T, T, (W)a[i] << ((W)b[i] & MASK)) \
    LOOP(T##_shift_right, T, T, T, a[i] >> ((W)b[i] & MASK)) \
    COMPARABLE(T)

#define COMPARABLE(T) \
    LOOP(T##_minimum, T, T, T, a[i] < b[i] ? a[i] : b[i]) \
    LOOP(T##_maximum, T, T, T, a[i] > b[i] ? a[i] : b[i]) \
    LOOP(T##_equal, T, T, uint8_t, a[i] == b[i]) \
    LOOP(T##_not_equal, T, T, uint8_t, a[i] != b[i]) \
    LOOP(T##_less, T, T, uint8_t, a[i] < b[i]) \
    LOOP(T##_less_or_equal, T, T, uint8_t, a[i] <= b[i]) \
    LOOP(T##_greater, T, T, uint8_t, a[i] > b[i]) \
    LOOP(T##_greater_or_equal, T, T, uint8_t, a[i] >= b[i]) \
    LOOP(T##_and, T, T, T, a[i] & b[i]) \
    LOOP(T##_or, T, T, T, a[i] | b[i]) \
    LOOP(T##_xor, T, T, T, a[i] ^ b[i])

ARITHMETIC(int32_t, uint32_t, 31, INT32_MIN)
ARITHMETIC(uint32_t, uint32_t, 31, 0)
ARITHMETIC(int64_t, uint64_t, 63, INT64_MIN)
ARITHMETIC(uint8_t, uint8_t, 7, 0)

LOOP(bool_not, uint8_t, uint8_t, uint8_t, !a[i])

#define SELECT(T) \
    static void T##_select(long count, void *out, const void *first, const void *second, const void *third) { \
        const uint8_t *a = first; \
        const T *b = second, *c = third; \
        T *to = out; \
        ELEMENTWISE for (long i = 0; i < count; i++) { to[i] = a[i] ? b[i] : c[i]; } \
    }
SELECT(uint32_t)
SELECT(uint64_t)
SELECT(uint8_t)

// Real to integer truncates and saturates; NaN gives 0. A bound is the first float beyond the type.
#define FROM_FLOAT(T, BELOW, ABOVE, LOWEST, HIGHEST) \
    LOOP(T##_from_float, float, float, T, \
         a[i] != a[i] ? (T)0 : a[i] >= ABOVE ? (T)HIGHEST : a[i] <= BELOW ? (T)LOWEST : (T)a[i])
FROM_FLOAT(int32_t, -0x1p31f, 0x1p31f, INT32_MIN, INT32_MAX)
FROM_FLOAT(uint32_t, 0.0f, 0x1p32f, 0, UINT32_MAX)
FROM_FLOAT(int64_t, -0x1p63f, 0x1p63f, INT64_MIN, INT64_MAX)
FROM_FLOAT(uint8_t, 0.0f, 0x1p8f, 0, UINT8_MAX)
LOOP(bool_from_float, float, float, uint8_t, a[i] != 0)

#define CASTS(T) \
    LOOP(float_from_##T, T, T, float, a[i]) \
    LOOP(int32_t_from_##T, T, T, uint32_t, a[i]) \
    LOOP(int64_t_from_##T, T, T, int64_t, a[i]) \
    LOOP(uint8_t_from_##T, T, T, uint8_t, a[i]) \
    LOOP(bool_from_##T, T, T, uint8_t, a[i] != 0)
CASTS(int32_t)
CASTS(uint32_t)
CASTS(int64_t)
CASTS(uint8_t)

#define MOVES(T) \
    LOOP(T##_splat, T, T, T, *a) \
    static void T##_copy(long count, void *out, const void *a, const void *b, const void *c) { \
        (void)b, (void)c; \
        memmove(out, a, (size_t)count * sizeof(T)); \
    }
MOVES(uint32_t)
MOVES(uint64_t)
MOVES(uint8_t)

/// A copy that leaves the caches to others.
static void float_stream(long count, void *out, const void *first, const void *second, const void *third) {
    (void)second, (void)third;
    const float *a = first;
    float *to = out;
    long i = 0;
    for (; i < count && (uintptr_t)(to + i) % sizeof(vfloat) != 0; i++) { to[i] = a[i]; }
    for (; i + SOMA_LANES <= count; i += SOMA_LANES) { __builtin_nontemporal_store(load(a + i), (vfloat *)(to + i)); }
    for (; i < count; i++) { to[i] = a[i]; }
}
