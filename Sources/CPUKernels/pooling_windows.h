/// The windows of a pooling, a vector of channels at a time; compiled once per level.
#pragma once
#include "pooling.h"
#include "vectors.h"

INLINE vfloat load_channels(const float *from, long count) { return count >= SOMA_LANES ? load(from) : load_part(from, count); }
INLINE void store_channels(float *to, vfloat value, long count) {
    if (count >= SOMA_LANES) { store(to, value); } else { store_part(to, value, count); }
}

/// Lanes in which x takes the place of the greatest so far: what is equal does not, and nothing replaces NaN.
INLINE vint exceeds(vfloat x, vfloat best) { return ~(best >= x) & (best == best); }

static void pool_max(const pooling_window *window, long channels, const float *x, float *y) {
    for (long c = 0; c < channels; c += SOMA_LANES) {
        vfloat best = (vfloat)(-__builtin_inff());
        for (long row = 0; row < window->rows; row++) {
            const float *pixel = x + row * window->row_step + c;
            for (long column = 0; column < window->columns; column++, pixel += window->column_step) {
                vfloat value = load_channels(pixel, channels - c);
                best = exceeds(value, best) ? value : best;
            }
        }
        store_channels(y + c, best, channels - c);
    }
}

static void pool_sum(const pooling_window *window, long channels, const float *x, float *y) {
    for (long c = 0; c < channels; c += SOMA_LANES) {
        vfloat sum = 0;
        for (long row = 0; row < window->rows; row++) {
            const float *pixel = x + row * window->row_step + c;
            for (long column = 0; column < window->columns; column++, pixel += window->column_step) {
                sum += load_channels(pixel, channels - c);
            }
        }
        store_channels(y + c, sum, channels - c);
    }
}

static void pool_max_gradient(const pooling_window *window, long channels, const float *x, const float *g, float *dx) {
    for (long c = 0; c < channels; c += SOMA_LANES) {
        vfloat best = load_channels(x + c, channels - c);
        vint place = 0;
        for (long number = 1; number < window->rows * window->columns; number++) {
            const float *pixel = x + number / window->columns * window->row_step + number % window->columns * window->column_step + c;
            vfloat value = load_channels(pixel, channels - c);
            vint isGreater = exceeds(value, best);
            best = isGreater ? value : best;
            place = isGreater ? (vint)(int32_t)number : place;
        }
        vfloat share = load_channels(g + c, channels - c);
        for (long number = 0; number < window->rows * window->columns; number++) {
            float *pixel = dx + number / window->columns * window->row_step + number % window->columns * window->column_step + c;
            vfloat mine = place == (vint)(int32_t)number ? share : (vfloat)0;
            store_channels(pixel, load_channels(pixel, channels - c) + mine, channels - c);
        }
    }
}

static void pool_sum_gradient(const pooling_window *window, long channels, const float *x, const float *g, float *dx) {
    (void)x;
    for (long c = 0; c < channels; c += SOMA_LANES) {
        vfloat share = load_channels(g + c, channels - c);
        for (long row = 0; row < window->rows; row++) {
            float *pixel = dx + row * window->row_step + c;
            for (long column = 0; column < window->columns; column++, pixel += window->column_step) {
                store_channels(pixel, load_channels(pixel, channels - c) + share, channels - c);
            }
        }
    }
}
