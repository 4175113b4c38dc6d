/// Reductions of a block of elements to one, in the vectors of one level.
#pragma once

#include "include/soma_reductions.h"
#include "vectors.h"

#define REDUCER(name) static void name(soma_state *state, long count, const void *elements, long first)

/// Adds in eight vectors side by side, whose sums are then added as a tree: short chains keep the rounding error small.
REDUCER(float_sum) {
    (void)first;
    const float *x = elements;
    enum { parallel = 8 };
    vfloat sums[parallel] = {0};
    long i = 0;
    for (; i + parallel * SOMA_LANES <= count; i += parallel * SOMA_LANES) {
        UNROLLED for (int k = 0; k < parallel; k++) { sums[k] += load(x + i + k * SOMA_LANES); }
    }
    for (; i + SOMA_LANES <= count; i += SOMA_LANES) { sums[0] += load(x + i); }
    if (i < count) { sums[1] += load_part(x + i, count - i); }
    UNROLLED for (int width = parallel / 2; width > 0; width /= 2) {
        UNROLLED for (int k = 0; k < width; k++) { sums[k] += sums[k + width]; }
    }
    float lanes[SOMA_LANES];
    store(lanes, sums[0]);
    for (int width = SOMA_LANES / 2; width > 0; width /= 2) {
        for (int k = 0; k < width; k++) { lanes[k] += lanes[k + width]; }
    }
    state->real += (double)lanes[0];
}

REDUCER(float_product) {
    (void)first;
    const float *x = elements;
    double product = state->real;
    for (long i = 0; i < count; i++) { product *= (double)x[i]; }
    state->real = product;
}

/// The extreme of a block; NaN if one of its elements is. `better` compares lanes of x with the best so far.
#define FLOAT_EXTREME(name, better) \
    REDUCER(name) { \
        (void)first; \
        const float *x = elements; \
        float start = (float)state->real; \
        vfloat best[4] = {(vfloat)start, (vfloat)start, (vfloat)start, (vfloat)start}; \
        vint unordered = 0; \
        long i = 0; \
        for (; i + 4 * SOMA_LANES <= count; i += 4 * SOMA_LANES) { \
            UNROLLED for (int k = 0; k < 4; k++) { \
                vfloat v = load(x + i + k * SOMA_LANES); \
                unordered |= v != v; \
                best[k] = v better best[k] ? v : best[k]; \
            } \
        } \
        bool has_nan = start != start || any(unordered); \
        UNROLLED for (int k = 1; k < 4; k++) { best[0] = best[k] better best[0] ? best[k] : best[0]; } \
        float lanes[SOMA_LANES]; \
        store(lanes, best[0]); \
        float result = lanes[0]; \
        for (int k = 1; k < SOMA_LANES; k++) { result = lanes[k] better result ? lanes[k] : result; } \
        for (; i < count; i++) { \
            has_nan |= x[i] != x[i]; \
            result = x[i] better result ? x[i] : result; \
        } \
        state->real = has_nan ? (double)NAN : (double)result; \
    }
FLOAT_EXTREME(float_max, >)
FLOAT_EXTREME(float_min, <)

/// The first extreme and its place. A NaN is better than any number, and the first one stays.
#define FLOAT_ARGUMENT(name, better) \
    REDUCER(name) { \
        const float *x = elements; \
        if (state->real != state->real) { return; } \
        float best = (float)state->real; \
        long place = -1; \
        for (long i = 0; i < count; i++) { \
            if (x[i] better best || (place < 0 && state->index < 0)) { best = x[i], place = i; } \
            if (x[i] != x[i]) { \
                best = x[i], place = i; \
                break; \
            } \
        } \
        if (place >= 0) { state->real = (double)best, state->index = first + place; } \
    }
FLOAT_ARGUMENT(float_argmax, >)
FLOAT_ARGUMENT(float_argmin, <)

#define INTEGER_REDUCERS(T) \
    REDUCER(T##_sum) { \
        (void)first; \
        const T *x = elements; \
        uint64_t sum = (uint64_t)state->whole; \
        for (long i = 0; i < count; i++) { sum += (uint64_t)x[i]; } \
        state->whole = (int64_t)sum; \
    } \
    REDUCER(T##_product) { \
        (void)first; \
        const T *x = elements; \
        uint64_t product = (uint64_t)state->whole; \
        for (long i = 0; i < count; i++) { product *= (uint64_t)x[i]; } \
        state->whole = (int64_t)product; \
    } \
    INTEGER_EXTREME(T, max, >) \
    INTEGER_EXTREME(T, min, <)

#define INTEGER_EXTREME(T, name, better) \
    REDUCER(T##_##name) { \
        (void)first; \
        const T *x = elements; \
        T best = (T)state->whole; \
        for (long i = 0; i < count; i++) { best = x[i] better best ? x[i] : best; } \
        state->whole = (int64_t)best; \
    } \
    REDUCER(T##_arg##name) { \
        const T *x = elements; \
        for (long i = 0; i < count; i++) { \
            if (state->index < 0 || x[i] better (T)state->whole) { state->whole = (int64_t)x[i], state->index = first + i; } \
        } \
    }

INTEGER_REDUCERS(int32_t)
INTEGER_REDUCERS(uint32_t)
INTEGER_REDUCERS(int64_t)
INTEGER_REDUCERS(uint8_t)

/// The same by columns: the best of each so far, and where it was.
#define COLUMN_ARGUMENT(T, name, better) \
    static void T##_##name##_columns(long count, void *extreme, int32_t *index, const void *elements, long place) { \
        T *best = extreme; \
        const T *x = elements; \
        for (long i = 0; i < count; i++) { \
            bool wins = best[i] == best[i] && (x[i] better best[i] || x[i] != x[i]); \
            best[i] = wins ? x[i] : best[i]; \
            index[i] = wins ? (int32_t)place : index[i]; \
        } \
    }
#define COLUMN_ARGUMENTS(T) COLUMN_ARGUMENT(T, argmax, >) COLUMN_ARGUMENT(T, argmin, <)
COLUMN_ARGUMENTS(float)
COLUMN_ARGUMENTS(int32_t)
COLUMN_ARGUMENTS(uint32_t)
COLUMN_ARGUMENTS(int64_t)
COLUMN_ARGUMENTS(uint8_t)

#define ALL_TYPES(name) \
    {[SOMA_FLOAT32] = float_##name, [SOMA_INT32] = int32_t_##name, [SOMA_UINT32] = uint32_t_##name, \
     [SOMA_INT64] = int64_t_##name, [SOMA_UINT8] = uint8_t_##name, [SOMA_BOOL] = uint8_t_##name}

static const soma_reducers reducers = {
    .add = {
        [SOMA_SUM] = ALL_TYPES(sum), [SOMA_PRODUCT] = ALL_TYPES(product), [SOMA_MAX] = ALL_TYPES(max), [SOMA_MIN] = ALL_TYPES(min),
        [SOMA_ARGMAX] = ALL_TYPES(argmax), [SOMA_ARGMIN] = ALL_TYPES(argmin),
    },
    .add_columns = {[SOMA_ARGMAX] = ALL_TYPES(argmax_columns), [SOMA_ARGMIN] = ALL_TYPES(argmin_columns)},
};
