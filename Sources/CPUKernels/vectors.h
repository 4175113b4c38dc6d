/// The vector types of one instruction set level. Included after SOMA_LANES, the number of floats in a vector, is defined, by
/// the file that compiles a level; what a level contains is then written once, in these types.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Vectors wider than the machine's are passed by value only between functions that are all inlined.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

typedef float vfloat __attribute__((ext_vector_type(SOMA_LANES)));
typedef int32_t vint __attribute__((ext_vector_type(SOMA_LANES)));
typedef uint32_t vuint __attribute__((ext_vector_type(SOMA_LANES)));
typedef uint8_t vbyte __attribute__((ext_vector_type(SOMA_LANES)));
typedef double vdouble __attribute__((ext_vector_type(SOMA_LANES)));
typedef int64_t vlong __attribute__((ext_vector_type(SOMA_LANES)));

INLINE vfloat load(const float *from) {
    vfloat value;
    memcpy(&value, from, sizeof value);
    return value;
}

INLINE void store(float *to, vfloat value) { memcpy(to, &value, sizeof value); }

/// The first `count` lanes from memory, zero in the others; `count` is less than a vector's.
INLINE vfloat load_part(const float *from, long count) {
    // Single elements are read soon after they were written, which masks would hold up.
    if (count == 1) {
        vfloat value = 0;
        value[0] = *from;
        return value;
    }
#if SOMA_LANES == 16
    return __builtin_bit_cast(vfloat, _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from));
#else
    float lanes[SOMA_LANES] = {0};
    for (long i = 0; i < count; i++) { lanes[i] = from[i]; }
    return load(lanes);
#endif
}

INLINE void store_part(float *to, vfloat value, long count) {
    if (count == 1) {
        *to = value[0];
        return;
    }
#if SOMA_LANES == 16
    _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), __builtin_bit_cast(__m512, value));
#else
    float lanes[SOMA_LANES];
    store(lanes, value);
    for (long i = 0; i < count; i++) { to[i] = lanes[i]; }
#endif
}

/// Booleans are bytes, 0 or 1; in a vector of conditions a true lane has all bits set.
INLINE vint load_condition(const uint8_t *from) {
    vbyte bytes;
    memcpy(&bytes, from, sizeof bytes);
    return __builtin_convertvector(bytes, vint) != 0;
}

INLINE vint load_condition_part(const uint8_t *from, long count) {
    uint8_t bytes[SOMA_LANES] = {0};
    for (long i = 0; i < count; i++) { bytes[i] = from[i]; }
    return load_condition(bytes);
}

INLINE void store_condition(uint8_t *to, vint condition) {
    vbyte bytes = __builtin_convertvector(condition & 1, vbyte);
    memcpy(to, &bytes, sizeof bytes);
}

INLINE void store_condition_part(uint8_t *to, vint condition, long count) {
    uint8_t bytes[SOMA_LANES];
    store_condition(bytes, condition);
    for (long i = 0; i < count; i++) { to[i] = bytes[i]; }
}

INLINE vint bits_of(vfloat value) { return __builtin_bit_cast(vint, value); }
INLINE vfloat from_bits(vint bits) { return __builtin_bit_cast(vfloat, bits); }

/// Whether any lane of a comparison's result is true.
INLINE bool any(vint condition) { return __builtin_reduce_or(condition) != 0; }

// The lower and the upper half of two vectors, their lanes alternating.
#if SOMA_LANES == 16
#define interleave_low(x, y) __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define interleave_high(x, y) __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif SOMA_LANES == 8
#define interleave_low(x, y) __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11)
#define interleave_high(x, y) __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define interleave_low(x, y) __builtin_shufflevector(x, y, 0, 4, 1, 5)
#define interleave_high(x, y) __builtin_shufflevector(x, y, 2, 6, 3, 7)
#endif

/// Transposes a square of SOMA_LANES vectors. Each round deals the rows like a deck of cards, log2(lanes) times.
INLINE void transpose(vfloat rows[SOMA_LANES]) {
    UNROLLED for (int round = 1; round < SOMA_LANES; round *= 2) {
        vfloat dealt[SOMA_LANES];
        UNROLLED for (int i = 0; i < SOMA_LANES / 2; i++) {
            dealt[2 * i] = interleave_low(rows[i], rows[i + SOMA_LANES / 2]);
            dealt[2 * i + 1] = interleave_high(rows[i], rows[i + SOMA_LANES / 2]);
        }
        UNROLLED for (int i = 0; i < SOMA_LANES; i++) { rows[i] = dealt[i]; }
    }
}
