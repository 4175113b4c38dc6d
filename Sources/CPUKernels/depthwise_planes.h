/// The planes of depthwise convolutions; compiled once per level.
#pragma once
#include "depthwise.h"
#include "vectors.h"

/// How many rows of results are made at once: enough sums that none waits for the one before.
enum { depthwise_block = 4 };

/// Some vectors of `rows` rows of results by a filter of 3×3 without dilation: a vector of x serves all taps and rows that want it.
INLINE void depthwise_3x3(int rows, int vectors, const float *x, long line, const float *w, vfloat sums[depthwise_block][2]) {
    UNROLLED for (int row = 0; row < rows + 2; row++) {
        UNROLLED for (int s = 0; s < 3; s++) {
            UNROLLED for (int v = 0; v < vectors; v++) {
                vfloat value = load(x + row * line + s + v * SOMA_LANES);
                UNROLLED for (int r = 0; r < 3; r++) {
                    if (row - r >= 0 && row - r < rows) { sums[row - r][v] += value * w[r * 3 + s]; }
                }
            }
        }
    }
}

/// The same by any filter.
INLINE void depthwise_any(int rows, int vectors, const depthwise_plane *plane, const float *x, const float *w, vfloat sums[depthwise_block][2]) {
    for (long r = 0; r < plane->rows; r++) {
        for (long s = 0; s < plane->columns; s++) {
            const float *from = x + r * plane->row_dilation * plane->line + s * plane->column_dilation;
            float tap = w[r * plane->columns + s];
            UNROLLED for (int row = 0; row < rows; row++) {
                UNROLLED for (int v = 0; v < vectors; v++) { sums[row][v] += load(from + row * plane->line + v * SOMA_LANES) * tap; }
            }
        }
    }
}

/// `count` results of each of `rows` rows; at most `vectors` vectors of them.
INLINE void depthwise_tile(bool is_3x3, int rows, int vectors, const depthwise_plane *plane, const float *x, const float *w, float *y, long count) {
    vfloat sums[depthwise_block][2];
    UNROLLED for (int row = 0; row < rows; row++) {
        UNROLLED for (int v = 0; v < vectors; v++) { sums[row][v] = 0; }
    }
    if (is_3x3) { depthwise_3x3(rows, vectors, x, plane->line, w, sums); } else { depthwise_any(rows, vectors, plane, x, w, sums); }
    UNROLLED for (int row = 0; row < rows; row++, y += plane->output_columns) {
        UNROLLED for (int v = 0; v < vectors; v++) {
            long rest = count - v * SOMA_LANES;
            if (rest >= SOMA_LANES) { store(y + v * SOMA_LANES, sums[row][v]); } else { store_part(y + v * SOMA_LANES, sums[row][v], rest); }
        }
    }
}

INLINE void depthwise_strip(bool is_3x3, int rows, const depthwise_plane *plane, const float *x, const float *w, float *y) {
    long column = 0;
    for (; column + 2 * SOMA_LANES <= plane->output_columns; column += 2 * SOMA_LANES) {
        depthwise_tile(is_3x3, rows, 2, plane, x + column, w, y + column, 2 * SOMA_LANES);
    }
    for (; column < plane->output_columns; column += SOMA_LANES) {
        depthwise_tile(is_3x3, rows, 1, plane, x + column, w, y + column, plane->output_columns - column);
    }
}

INLINE void depthwise_filter_rows(bool is_3x3, const depthwise_plane *plane, const float *w, float *y) {
    const float *x = plane->x;
    long row = 0;
    for (; row + depthwise_block <= plane->output_rows; row += depthwise_block) {
        depthwise_strip(is_3x3, depthwise_block, plane, x, w, y);
        x += depthwise_block * plane->line, y += depthwise_block * plane->output_columns;
    }
    for (; row < plane->output_rows; row++, x += plane->line, y += plane->output_columns) { depthwise_strip(is_3x3, 1, plane, x, w, y); }
}

static void depthwise_filter(const depthwise_plane *plane, const float *w, float *y) {
    bool is_3x3 = plane->rows == 3 && plane->columns == 3 && plane->row_dilation == 1 && plane->column_dilation == 1;
    if (is_3x3) { depthwise_filter_rows(true, plane, w, y); } else { depthwise_filter_rows(false, plane, w, y); }
}

/// Sums of `taps` neighbouring taps of a row of the filter, row by row, so that no long chain of additions loses digits.
INLINE void depthwise_products_of(int taps, const depthwise_plane *plane, const float *x, const float *g, float *sums) {
    vfloat totals[4];
    UNROLLED for (int s = 0; s < taps; s++) { totals[s] = 0; }
    for (long row = 0; row < plane->output_rows; row++, x += plane->line, g += plane->output_columns) {
        vfloat line[4];
        UNROLLED for (int s = 0; s < taps; s++) { line[s] = 0; }
        for (long i = 0; i < plane->output_columns; i += SOMA_LANES) {
            long count = plane->output_columns - i;
            vfloat gradient = count >= SOMA_LANES ? load(g + i) : load_part(g + i, count);
            UNROLLED for (int s = 0; s < taps; s++) { line[s] += load(x + i + s * plane->column_dilation) * gradient; }
        }
        UNROLLED for (int s = 0; s < taps; s++) { totals[s] += line[s]; }
    }
    UNROLLED for (int s = 0; s < taps; s++) { sums[s] = sum_of_lanes(totals[s]); }
}

static void depthwise_products(const depthwise_plane *plane, const float *g, float *sums) {
    for (long r = 0; r < plane->rows; r++, sums += plane->columns) {
        const float *x = plane->x + r * plane->row_dilation * plane->line;
        long s = 0;
        for (; s + 3 <= plane->columns; s += 3) { depthwise_products_of(3, plane, x + s * plane->column_dilation, g, sums + s); }
        for (; s < plane->columns; s++) { depthwise_products_of(1, plane, x + s * plane->column_dilation, g, sums + s); }
    }
}
