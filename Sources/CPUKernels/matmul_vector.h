/// A row times a matrix: every element of the matrix is used once, so the speed is that of memory and nothing is copied.
#pragma once

#include "matmul_internal.h"
#include "vectors.h"

/// y[j] = Σ x[k] b[k·b_step + j] for `vectors` vectors of adjacent columns, kept in registers while the rows pass by.
INLINE void sweep(int vectors, long depth, const float *x, const float *b, long b_step, float *y, bool accumulate) {
    vfloat sums[8];
    UNROLLED for (int v = 0; v < vectors; v++) { sums[v] = accumulate ? load(y + v * SOMA_LANES) : (vfloat)0.0f; }
    for (long k = 0; k < depth; k++, b += b_step) {
        UNROLLED for (int v = 0; v < vectors; v++) { sums[v] += x[k] * load(b + v * SOMA_LANES); }
    }
    UNROLLED for (int v = 0; v < vectors; v++) { store(y + v * SOMA_LANES, sums[v]); }
}

static void row_times_rows(long columns, long depth, const float *x, const float *b, long b_step, float *y, bool accumulate) {
    long j = 0;
    for (; j + 8 * SOMA_LANES <= columns; j += 8 * SOMA_LANES) { sweep(8, depth, x, b + j, b_step, y + j, accumulate); }
    for (; j + SOMA_LANES <= columns; j += SOMA_LANES) { sweep(1, depth, x, b + j, b_step, y + j, accumulate); }
    long rest = columns - j;
    if (rest == 0) { return; }
    vfloat sum = accumulate ? load_part(y + j, rest) : (vfloat)0.0f;
    for (long k = 0; k < depth; k++) { sum += x[k] * load_part(b + k * b_step + j, rest); }
    store_part(y + j, sum, rest);
}

INLINE float sum_of_lanes(vfloat value) {
    float lanes[SOMA_LANES];
    store(lanes, value);
    for (int width = SOMA_LANES / 2; width > 0; width /= 2) {
        for (int k = 0; k < width; k++) { lanes[k] += lanes[k + width]; }
    }
    return lanes[0];
}

/// y[j] = Σ x[k] b[j·b_column + k] for `count` columns at a time, whose steps are adjacent.
INLINE void dot_columns(int count, long depth, const float *x, const float *b, long b_column, float *y, bool accumulate) {
    vfloat sums[4][2] = {0};
    long k = 0;
    for (; k + 2 * SOMA_LANES <= depth; k += 2 * SOMA_LANES) {
        vfloat low = load(x + k), high = load(x + k + SOMA_LANES);
        UNROLLED for (int c = 0; c < count; c++) {
            sums[c][0] += low * load(b + c * b_column + k);
            sums[c][1] += high * load(b + c * b_column + k + SOMA_LANES);
        }
    }
    for (int c = 0; c < count; c++) {
        float sum = sum_of_lanes(sums[c][0] + sums[c][1]);
        for (long rest = k; rest < depth; rest++) { sum += x[rest] * b[c * b_column + rest]; }
        y[c] = accumulate ? y[c] + sum : sum;
    }
}

static void row_times_columns(long columns, long depth, const float *x, const float *b, long b_column, float *y, bool accumulate) {
    long j = 0;
    for (; j + 4 <= columns; j += 4) { dot_columns(4, depth, x, b + j * b_column, b_column, y + j, accumulate); }
    for (; j < columns; j++) { dot_columns(1, depth, x, b + j * b_column, b_column, y + j, accumulate); }
}
