/// What a tile of Winograd's convolution holds: whether its numbers are so alike in size that the products are good enough.
#pragma once
#include "vectors.h"
#include "winograd.h"

/// Sums of squares over channels: of the four pixels in the middle, and of all others. NaN and infinity stay in them.
typedef struct winograd_squares { vfloat middle[4], others; } winograd_squares;

/// Adds a column of a tile.
INLINE void winograd_add_squares(const vfloat d[6], int column, winograd_squares *squares) {
    vfloat others = d[0] * d[0] + d[1] * d[1];
    others += d[4] * d[4];
    others += d[5] * d[5];
    if (column == 2 || column == 3) {
        squares->middle[column - 2] += d[2] * d[2];
        squares->middle[column] += d[3] * d[3];
    } else {
        others += d[2] * d[2];
        others += d[3] * d[3];
    }
    squares->others += others;
}

/// Of two vectors one: sums of two lanes of each, by turns.
INLINE vfloat dealt_sums(vfloat x, vfloat y) { return interleave_low(x, y) + interleave_high(x, y); }

/// The least of four sums of lanes.
INLINE float least_sum_of_lanes(const vfloat values[4]) {
    vfloat sums = dealt_sums(dealt_sums(values[0], values[1]), dealt_sums(values[2], values[3]));
    // By now every fourth lane is of one value.
    UNROLLED for (int lanes = 4; lanes < SOMA_LANES; lanes *= 2) { sums = dealt_sums(sums, sums); }
    return __builtin_reduce_min(sums);
}

INLINE bool winograd_is_trusted(const winograd_squares *squares, const soma_winograd_trust *trust, unsigned cut) {
    vfloat middle[4] = {squares->middle[0], squares->middle[1], squares->middle[2], squares->middle[3]};
    vfloat all = squares->others + (middle[0] + middle[1]) + (middle[2] + middle[3]);
    UNROLLED for (int lanes = 1; lanes < SOMA_LANES; lanes *= 2) { all = dealt_sums(all, all); }
    // Three results in a row all see the first pixel of the middle.
    if (cut & SOMA_WINOGRAD_CUT_ROWS) { middle[2] = middle[0], middle[3] = middle[1]; }
    if (cut & SOMA_WINOGRAD_CUT_COLUMNS) { middle[1] = middle[0], middle[3] = middle[2]; }
    // Not with a NaN.
    return all[0] >= trust->least && all[0] <= trust->most && all[0] <= trust->spread * least_sum_of_lanes(middle);
}

/// Magnitudes as the bits of floats, which are in the same order; those of NaN are beyond infinity.
INLINE vint larger_magnitude(vint largest, vfloat value) { return __builtin_elementwise_max(largest, bits_of(value) & 0x7fffffff); }

/// The largest of all lanes, infinite where one is a NaN.
INLINE float largest_magnitude(vint largest) {
    int32_t bits = __builtin_reduce_max(largest);
    return bits >= 0x7f800000 ? __builtin_inff() : __builtin_bit_cast(float, bits);
}

/// Whether no pixel is anything but 0: told without a sum over lanes for each.
static bool winograd_is_empty(const float *const pixels[36], long channels) {
    vint largest = 0;
    for (int i = 0; i < 36; i++) {
        long channel = 0;
        for (; channel + SOMA_LANES <= channels; channel += SOMA_LANES) { largest = larger_magnitude(largest, load(pixels[i] + channel)); }
        if (channel < channels) { largest = larger_magnitude(largest, load_part(pixels[i] + channel, channels - channel)); }
    }
    return !any(largest);
}

static bool winograd_magnitudes(const float *const pixels[36], long channels, float *magnitudes) {
    if (winograd_is_empty(pixels, channels)) { return false; }
    for (int i = 0; i < 36; i++) {
        vint largest = 0;
        long channel = 0;
        for (; channel + SOMA_LANES <= channels; channel += SOMA_LANES) { largest = larger_magnitude(largest, load(pixels[i] + channel)); }
        if (channel < channels) { largest = larger_magnitude(largest, load_part(pixels[i] + channel, channels - channel)); }
        magnitudes[i] = largest_magnitude(largest);
    }
    return true;
}
