/// The vector types of one instruction set level. Included after SOMA_LANES, the number of floats in a vector, is defined, by
/// the file that compiles a level; what a level contains is then written once, in these types.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

typedef float vfloat __attribute__((ext_vector_type(SOMA_LANES)));
typedef int32_t vint __attribute__((ext_vector_type(SOMA_LANES)));
typedef uint32_t vuint __attribute__((ext_vector_type(SOMA_LANES)));

INLINE vfloat load(const float *from) {
    vfloat value;
    memcpy(&value, from, sizeof value);
    return value;
}

INLINE void store(float *to, vfloat value) { memcpy(to, &value, sizeof value); }

/// The first `count` lanes from memory, zero in the others.
INLINE vfloat load_part(const float *from, long count) {
    float lanes[SOMA_LANES] = {0};
    memcpy(lanes, from, (size_t)count * sizeof(float));
    return load(lanes);
}

INLINE void store_part(float *to, vfloat value, long count) {
    memcpy(to, &value, (size_t)count * sizeof(float));
}

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
