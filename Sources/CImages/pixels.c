#include "CImages.h"

static uint8_t rounded(float value) {
    // As a minimum and a maximum, without a branch; NaN compares false and becomes 0.
    float positive = value > 0 ? value : 0;
    return (uint8_t)((positive < 255 ? positive : 255) + 0.5f);
}

/// The pixel at (x, y), which may lie outside, where everything is `fill`.
static const uint8_t *at(const soma_picture *p, int64_t x, int64_t y, const uint8_t *fill) {
    if (x < 0 || y < 0 || x >= p->width || y >= p->height) return fill;
    return p->pixels + ((size_t)y * p->width + (size_t)x) * p->channels;
}

static double within(double value, double largest) {
    double large = value > -2 ? value : -2;
    return large < largest ? large : largest;
}

void soma_affine(const soma_picture *from, const double m[6], uint8_t fill, soma_picture *to) {
    uint8_t *output = to->pixels;
    const uint8_t ground[3] = {fill, fill, fill};
    for (uint32_t y = 0; y < to->height; y++)
        for (uint32_t x = 0; x < to->width; x++) {
            double sx = m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2] - 0.5;
            double sy = m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5] - 0.5;
            // Far outside, where a whole number could not hold them, nothing is but fill.
            sx = within(sx, (double)from->width + 1);
            sy = within(sy, (double)from->height + 1);
            // Rounded down, also below 0.
            int64_t left = (int64_t)(sx + 2) - 2, top = (int64_t)(sy + 2) - 2;
            float u = (float)(sx - (double)left), v = (float)(sy - (double)top);
            const uint8_t *a = at(from, left, top, ground), *b = at(from, left + 1, top, ground);
            const uint8_t *c = at(from, left, top + 1, ground), *d = at(from, left + 1, top + 1, ground);
            for (uint32_t i = 0; i < from->channels; i++) {
                float above = a[i] * (1 - u) + b[i] * u, below = c[i] * (1 - u) + d[i] * u;
                *output++ = rounded(above * (1 - v) + below * v);
            }
        }
}

void soma_orient(const soma_picture *from, uint32_t orientation, soma_picture *to) {
    uint32_t channels = from->channels;
    int swaps = orientation >= 5;
    int mirrors_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    int mirrors_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    uint8_t *output = to->pixels;
    for (uint32_t y = 0; y < to->height; y++)
        for (uint32_t x = 0; x < to->width; x++) {
            uint32_t column = swaps ? y : x, row = swaps ? x : y;
            if (mirrors_x) column = from->width - 1 - column;
            if (mirrors_y) row = from->height - 1 - row;
            const uint8_t *pixel = from->pixels + ((size_t)row * from->width + column) * channels;
            for (uint32_t c = 0; c < channels; c++) *output++ = pixel[c];
        }
}

void soma_flip(soma_picture *picture) {
    uint32_t channels = picture->channels;
    for (uint32_t y = 0; y < picture->height; y++) {
        uint8_t *left = picture->pixels + (size_t)y * picture->width * channels;
        uint8_t *right = left + ((size_t)picture->width - 1) * channels;
        for (; left < right; left += channels, right -= channels)
            for (uint32_t c = 0; c < channels; c++) {
                uint8_t other = left[c];
                left[c] = right[c];
                right[c] = other;
            }
    }
}

/// So many pixels at a time are taken apart into channels, which vector instructions want.
enum { BLOCK = 128 };

static void mix_block(uint8_t *p, size_t count, const float m[12]) {
    float channels[3][BLOCK], mixed[BLOCK];
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < 3; c++) channels[c][i] = p[3 * i + c];
    for (int c = 0; c < 3; c++, m += 4) {
        for (size_t i = 0; i < count; i++) {
            float value = m[0] * channels[0][i] + m[1] * channels[1][i] + m[2] * channels[2][i] + m[3];
            float positive = value > 0 ? value : 0;
            mixed[i] = (positive < 255 ? positive : 255) + 0.5f;
        }
        for (size_t i = 0; i < count; i++) p[3 * i + c] = (uint8_t)mixed[i];
    }
}

void soma_mix_colours(soma_picture *picture, const float m[12]) {
    size_t count = (size_t)picture->width * picture->height;
    for (size_t i = 0; i < count; i += BLOCK)
        mix_block(picture->pixels + 3 * i, count - i < BLOCK ? count - i : BLOCK, m);
}

double soma_mean_luminance(const soma_picture *picture) {
    size_t count = (size_t)picture->width * picture->height;
    const uint8_t *p = picture->pixels;
    uint64_t grey = 0, red = 0, green = 0, blue = 0;
    if (count == 0) return 0;
    if (picture->channels == 1) {
        for (size_t i = 0; i < count; i++) grey += p[i];
        return (double)grey / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        red += p[3 * i];
        green += p[3 * i + 1];
        blue += p[3 * i + 2];
    }
    return (0.299 * (double)red + 0.587 * (double)green + 0.114 * (double)blue) / (double)count;
}

void soma_planes(const soma_picture *picture, const float scale[3], const float offset[3], float *output) {
    size_t count = (size_t)picture->width * picture->height;
    uint32_t channels = picture->channels;
    for (uint32_t c = 0; c < channels; c++) {
        const uint8_t *p = picture->pixels + c;
        for (size_t i = 0; i < count; i++) output[i] = p[i * channels] * scale[c] + offset[c];
        output += count;
    }
}
