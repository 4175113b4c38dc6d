/// The rows of depthwise convolutions; compiled once per level.
#pragma once
#include "depthwise.h"
#include "vectors.h"

static void depthwise_row(long count, int rows, int columns, long dilation, const float *const *lines, const float *w, float *y) {
    for (long i = 0; i < count; i += SOMA_LANES) {
        vfloat sum = 0;
        for (int r = 0; r < rows; r++) {
            for (int s = 0; s < columns; s++) { sum += load(lines[r] + i + s * dilation) * w[r * columns + s]; }
        }
        if (count - i >= SOMA_LANES) { store(y + i, sum); } else { store_part(y + i, sum, count - i); }
    }
}

static void depthwise_products(long count, int rows, int columns, long dilation, const float *const *lines, const float *g, float *sums) {
    for (int r = 0; r < rows; r++) {
        for (int s = 0; s < columns; s++) {
            vfloat sum = 0;
            long i = 0;
            for (; i + SOMA_LANES <= count; i += SOMA_LANES) { sum += load(lines[r] + i + s * dilation) * load(g + i); }
            if (i < count) { sum += load(lines[r] + i + s * dilation) * load_part(g + i, count - i); }
            float total = 0;
            for (int lane = 0; lane < SOMA_LANES; lane++) { total += sum[lane]; }
            sums[r * columns + s] += total;
        }
    }
}
