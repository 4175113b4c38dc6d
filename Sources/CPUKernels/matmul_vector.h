/// A row times a matrix: every element of the matrix is used once, so the speed is that of memory and nothing is copied. Memory is read in runs as
/// long as can be.
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

/// y[j] += Σ x[k] b[k·b_step + j] for `rows` rows, a vector of columns at a time.
INLINE void add_rows(int rows, long columns, const float *x, const float *b, long b_step, float *y) {
    long j = 0;
    for (; j + SOMA_LANES <= columns; j += SOMA_LANES) {
        vfloat sum = load(y + j);
        UNROLLED for (int k = 0; k < rows; k++) { sum += x[k] * load(b + k * b_step + j); }
        store(y + j, sum);
    }
    if (j == columns) { return; }
    vfloat sum = load_part(y + j, columns - j);
    UNROLLED for (int k = 0; k < rows; k++) { sum += x[k] * load_part(b + k * b_step + j, columns - j); }
    store_part(y + j, sum, columns - j);
}

/// Columns that are summed in registers, and in the first-level cache where there are more.
enum { swept_columns = 8 * SOMA_LANES, cached_columns = 2048 };

static void row_times_rows(long columns, long depth, const float *x, const float *b, long b_step, float *y, bool accumulate) {
    long j = 0;
    while (columns - j > swept_columns) {
        const long width = columns - j < cached_columns ? columns - j : cached_columns;
        if (!accumulate) { memset(y + j, 0, sizeof(float) * width); }
        long k = 0;
        for (; k + 8 <= depth; k += 8) { add_rows(8, width, x + k, b + k * b_step + j, b_step, y + j); }
        for (; k < depth; k++) { add_rows(1, width, x + k, b + k * b_step + j, b_step, y + j); }
        j += width;
    }
    if (j + swept_columns == columns) {
        sweep(8, depth, x, b + j, b_step, y + j, accumulate);
        j = columns;
    }
    for (; j + SOMA_LANES <= columns; j += SOMA_LANES) { sweep(1, depth, x, b + j, b_step, y + j, accumulate); }
    long rest = columns - j;
    if (rest == 0) { return; }
    vfloat sum = accumulate ? load_part(y + j, rest) : (vfloat)0.0f;
    for (long k = 0; k < depth; k++) { sum += x[k] * load_part(b + k * b_step + j, rest); }
    store_part(y + j, sum, rest);
}

/// Halves are added until one lane is left.
INLINE float sum_of_lanes(vfloat value) {
    typedef float four __attribute__((ext_vector_type(4)));
#if SOMA_LANES == 16
    typedef float eight __attribute__((ext_vector_type(8)));
    const eight half = value.lo + value.hi;
    const four quarter = half.lo + half.hi;
#elif SOMA_LANES == 8
    const four quarter = value.lo + value.hi;
#else
    const four quarter = value;
#endif
    return (quarter.x + quarter.z) + (quarter.y + quarter.w);
}

/// y[j] = Σ x[k] b[j·b_column + k], whose steps are adjacent: a column after the other.
static void row_times_columns(long columns, long depth, const float *x, const float *b, long b_column, float *y, bool accumulate) {
    for (long j = 0; j < columns; j++, b += b_column) {
        vfloat sums[4] = {0};
        long k = 0;
        for (; k + 4 * SOMA_LANES <= depth; k += 4 * SOMA_LANES) {
            UNROLLED for (int v = 0; v < 4; v++) { sums[v] += load(x + k + v * SOMA_LANES) * load(b + k + v * SOMA_LANES); }
        }
        for (; k + SOMA_LANES <= depth; k += SOMA_LANES) { sums[0] += load(x + k) * load(b + k); }
        float sum = sum_of_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
        for (; k < depth; k++) { sum += x[k] * b[k]; }
        y[j] = accumulate ? y[j] + sum : sum;
    }
}
