/// The transforms of Winograd's F(4×4, 3×3), of a vector of channels at a time (Lavin and Gray, "Fast Algorithms for Convolutional
/// Neural Networks", 2015).
///
/// The points are 0, ±√½, ±√2, ∞. With the usual ±1, ±2 rounding errors are 3–5 times as large; with these they are about twice
/// those of a plain sum, since the powers of the points stay near 1. The polynomial that vanishes at them is x⁵ − 2.5x³ + x.
#pragma once
#include "vectors.h"
#include "winograd.h"
#include "winograd_trust.h"

#define WINOGRAD_A 0.70710678118654752f
#define WINOGRAD_B 1.41421356237309505f

/// d ← Bᵀ d: values at the points of the polynomials that d multiplies.
INLINE void winograd_input_line(vfloat d[6]) {
    vfloat even_a = d[4] - 2 * d[2], odd_a = WINOGRAD_A * (d[3] - 2 * d[1]);
    vfloat even_b = d[4] - 0.5f * d[2], odd_b = WINOGRAD_B * (d[3] - 0.5f * d[1]);
    vfloat zero = d[0] - 2.5f * d[2] + d[4], infinity = d[1] - 2.5f * d[3] + d[5];
    d[0] = zero, d[1] = even_a + odd_a, d[2] = even_a - odd_a, d[3] = even_b + odd_b, d[4] = even_b - odd_b, d[5] = infinity;
}

/// y = Aᵀ m: the powers of the points.
INLINE void winograd_output_line(const vfloat m[6], vfloat y[4]) {
    vfloat sum_a = m[1] + m[2], difference_a = WINOGRAD_A * (m[1] - m[2]);
    vfloat sum_b = m[3] + m[4], difference_b = WINOGRAD_B * (m[3] - m[4]);
    y[0] = m[0] + sum_a + sum_b;
    y[1] = difference_a + difference_b;
    y[2] = 0.5f * sum_a + 2 * sum_b;
    y[3] = 0.5f * difference_a + 2 * difference_b + m[5];
}

/// u = G g: the filter's polynomial at the points, over the derivative there of the one that vanishes at them.
INLINE void winograd_filter_line(const vfloat g[3], vfloat u[6]) {
    vfloat even_a = g[0] + 0.5f * g[2], odd_a = WINOGRAD_A * g[1], even_b = g[0] + 2 * g[2], odd_b = WINOGRAD_B * g[1];
    u[0] = g[0];
    u[1] = (even_a + odd_a) * (-1 / 1.5f), u[2] = (even_a - odd_a) * (-1 / 1.5f);
    u[3] = (even_b + odd_b) * (1 / 6.0f), u[4] = (even_b - odd_b) * (1 / 6.0f);
    u[5] = g[2];
}

/// One vector of channels. `count` is a constant but for the last.
INLINE void winograd_input_vector(const float *const pixels[36], long channel, long count, winograd_squares *squares, float *v, long plane) {
    vfloat d[6][6];
    UNROLLED for (int j = 0; j < 6; j++) {
        vfloat column[6];
        UNROLLED for (int i = 0; i < 6; i++) {
            const float *from = pixels[i * 6 + j] + channel;
            column[i] = count == SOMA_LANES ? load(from) : load_part(from, count);
        }
        winograd_add_squares(column, j, squares);
        winograd_input_line(column);
        UNROLLED for (int i = 0; i < 6; i++) { d[i][j] = column[i]; }
    }
    UNROLLED for (int i = 0; i < 6; i++) {
        winograd_input_line(d[i]);
        UNROLLED for (int j = 0; j < 6; j++) { store(v + (i * 6 + j) * plane + channel, d[i][j]); }
    }
}

static bool winograd_input(
    const float *const pixels[36], long channels, const soma_winograd_trust *trust, unsigned cut, float *v, long plane
) {
    winograd_squares squares = {0};
    long channel = 0;
    for (; channel + SOMA_LANES <= channels; channel += SOMA_LANES) { winograd_input_vector(pixels, channel, SOMA_LANES, &squares, v, plane); }
    if (channel < channels) { winograd_input_vector(pixels, channel, channels - channel, &squares, v, plane); }
    return winograd_is_trusted(&squares, trust, cut);
}

INLINE void winograd_output_vector(const float *m, long plane, long channel, long count, float *const pixels[16]) {
    vfloat t[4][6];
    UNROLLED for (int j = 0; j < 6; j++) {
        vfloat column[6], y[4];
        UNROLLED for (int i = 0; i < 6; i++) { column[i] = load(m + (i * 6 + j) * plane + channel); }
        winograd_output_line(column, y);
        UNROLLED for (int i = 0; i < 4; i++) { t[i][j] = y[i]; }
    }
    UNROLLED for (int i = 0; i < 4; i++) {
        vfloat y[4];
        winograd_output_line(t[i], y);
        UNROLLED for (int j = 0; j < 4; j++) {
            float *to = pixels[i * 4 + j] + channel;
            if (count == SOMA_LANES) { store(to, y[j]); } else { store_part(to, y[j], count); }
        }
    }
}

static void winograd_output(const float *m, long plane, long channels, float *const pixels[16]) {
    long channel = 0;
    for (; channel + SOMA_LANES <= channels; channel += SOMA_LANES) { winograd_output_vector(m, plane, channel, SOMA_LANES, pixels); }
    if (channel < channels) { winograd_output_vector(m, plane, channel, channels - channel, pixels); }
}

static float winograd_filter(const float *g, long stride, long tap, long filters, float *u, long plane) {
    vfloat t[6][3];
    vint largest = 0;
    UNROLLED for (int s = 0; s < 3; s++) {
        vfloat column[3], line[6];
        UNROLLED for (int r = 0; r < 3; r++) {
            float taps[SOMA_LANES] = {0};
            for (long k = 0; k < filters; k++) { taps[k] = g[k * stride + (r * 3 + s) * tap]; }
            column[r] = load(taps);
            largest = larger_magnitude(largest, column[r]);
        }
        winograd_filter_line(column, line);
        UNROLLED for (int i = 0; i < 6; i++) { t[i][s] = line[i]; }
    }
    UNROLLED for (int i = 0; i < 6; i++) {
        vfloat line[6];
        winograd_filter_line(t[i], line);
        UNROLLED for (int j = 0; j < 6; j++) { store(u + (i * 6 + j) * plane, line[j]); }
    }
    return largest_magnitude(largest);
}
