#include <math.h>
#include <string.h>

#include "CImages.h"

static uint8_t rounded(float value) {
    // Also of NaN, which compares false: 0.
    if (!(value > 0)) return 0;
    return value >= 255 ? 255 : (uint8_t)(value + 0.5f);
}

/// The pixel at (x, y), which may lie outside, where everything is `fill`.
static float at(const soma_picture *p, int64_t x, int64_t y, uint32_t channel, uint8_t fill) {
    if (x < 0 || y < 0 || x >= p->width || y >= p->height) return fill;
    return p->pixels[((size_t)y * p->width + (size_t)x) * p->channels + channel];
}

void soma_affine(const soma_picture *from, const double m[6], uint8_t fill, soma_picture *to) {
    uint8_t *output = to->pixels;
    for (uint32_t y = 0; y < to->height; y++)
        for (uint32_t x = 0; x < to->width; x++) {
            double sx = m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2] - 0.5;
            double sy = m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5] - 0.5;
            // Far outside, where a whole number could not hold them, nothing is but fill.
            sx = fmin(fmax(sx, -2), (double)from->width + 1);
            sy = fmin(fmax(sy, -2), (double)from->height + 1);
            int64_t left = (int64_t)floor(sx), top = (int64_t)floor(sy);
            float u = (float)(sx - (double)left), v = (float)(sy - (double)top);
            for (uint32_t c = 0; c < from->channels; c++) {
                float above = at(from, left, top, c, fill) * (1 - u) + at(from, left + 1, top, c, fill) * u;
                float below = at(from, left, top + 1, c, fill) * (1 - u) + at(from, left + 1, top + 1, c, fill) * u;
                *output++ = rounded(above * (1 - v) + below * v);
            }
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

void soma_mix_colours(soma_picture *picture, const float m[12]) {
    uint8_t *p = picture->pixels;
    for (size_t i = 0; i < (size_t)picture->width * picture->height; i++, p += 3) {
        float r = p[0], g = p[1], b = p[2];
        for (int c = 0; c < 3; c++) p[c] = rounded(m[4 * c] * r + m[4 * c + 1] * g + m[4 * c + 2] * b + m[4 * c + 3]);
    }
}

double soma_mean_luminance(const soma_picture *picture) {
    size_t count = (size_t)picture->width * picture->height;
    uint64_t sums[3] = {};
    const uint8_t *p = picture->pixels;
    for (size_t i = 0; i < count; i++)
        for (uint32_t c = 0; c < picture->channels; c++) sums[c] += *p++;
    double sum = picture->channels == 1 ? (double)sums[0]
                                        : 0.299 * (double)sums[0] + 0.587 * (double)sums[1] + 0.114 * (double)sums[2];
    return count > 0 ? sum / (double)count : 0;
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
