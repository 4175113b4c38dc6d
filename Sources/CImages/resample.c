// Scales along each axis by weights that fall linearly from the middle of a pixel. Row by row: first the rows that a
// row of the result lies in are added, all columns at a time, and the sum is then scaled along the row.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "CImages.h"

/// What one place of the result is made of along an axis: `count` places from `first` on.
typedef struct {
    uint32_t first, count;
    const float *weights;
} window;

typedef struct {
    window *windows;
    float *weights;
} axis;

/// - size: places of the source; start, length: the part of them that becomes `count` places.
static int make_axis(axis *a, uint32_t size, double start, double length, uint32_t count) {
    double scale = length / count;
    double reach = scale > 1 ? scale : 1;
    size_t most = (size_t)ceil(2 * reach) + 2;
    a->windows = calloc(count, sizeof *a->windows);
    a->weights = calloc((size_t)count * most, sizeof *a->weights);
    if (!a->windows || !a->weights) return -1;
    for (uint32_t i = 0; i < count; i++) {
        double middle = start + (i + 0.5) * scale, sum = 0;
        double first = fmax(floor(middle - reach), 0), last = fmin(ceil(middle + reach), size);
        float *weights = a->weights + i * most;
        uint32_t used = 0;
        for (double place = first; place < last && used < most; place++) {
            double weight = fmax(0, 1 - fabs(place + 0.5 - middle) / reach);
            weights[used++] = (float)weight;
            sum += weight;
        }
        for (uint32_t k = 0; k < used; k++) weights[k] = (float)(weights[k] / sum);
        a->windows[i] = (window){.first = (uint32_t)first, .count = used, .weights = weights};
    }
    return 0;
}

static void add_rows(const soma_picture *from, window rows, size_t first, size_t count, float *sum) {
    size_t row_bytes = (size_t)from->width * from->channels;
    memset(sum, 0, count * sizeof *sum);
    for (uint32_t k = 0; k < rows.count; k++) {
        const uint8_t *row = from->pixels + (rows.first + k) * row_bytes + first;
        float weight = rows.weights[k];
        for (size_t i = 0; i < count; i++) sum[i] += weight * (float)row[i];
    }
}

/// The sum of weights is 1 and no weight is negative, so it stays within 0 to 255.
static uint8_t rounded(float value) { return (uint8_t)(value + 0.5f); }

static void scale_row_grey(const float *row, uint32_t first, const window *columns, uint32_t count, uint8_t *output) {
    for (uint32_t x = 0; x < count; x++) {
        const float *place = row + (columns[x].first - first);
        float sum = 0;
        for (uint32_t k = 0; k < columns[x].count; k++) sum += columns[x].weights[k] * place[k];
        *output++ = rounded(sum);
    }
}

static void scale_row_colour(const float *row, uint32_t first, const window *columns, uint32_t count, uint8_t *output) {
    for (uint32_t x = 0; x < count; x++) {
        const float *place = row + (size_t)(columns[x].first - first) * 3;
        float r = 0, g = 0, b = 0;
        for (uint32_t k = 0; k < columns[x].count; k++, place += 3) {
            float weight = columns[x].weights[k];
            r += weight * place[0];
            g += weight * place[1];
            b += weight * place[2];
        }
        *output++ = rounded(r);
        *output++ = rounded(g);
        *output++ = rounded(b);
    }
}

static void scale(const soma_picture *from, const axis *rows, const axis *columns, float *sum, soma_picture *to) {
    const window *left = columns->windows, *right = left + to->width - 1;
    uint32_t first = left->first, channels = from->channels;
    size_t width = right->first + right->count - first;
    for (uint32_t y = 0; y < to->height; y++) {
        uint8_t *output = to->pixels + (size_t)y * to->width * channels;
        add_rows(from, rows->windows[y], (size_t)first * channels, width * channels, sum);
        if (channels == 1) scale_row_grey(sum, first, left, to->width, output);
        else scale_row_colour(sum, first, left, to->width, output);
    }
}

int soma_resample(const soma_picture *from, soma_region region, soma_picture *to) {
    axis rows = {}, columns = {};
    float *sum = calloc((size_t)from->width * from->channels, sizeof *sum);
    int failed = !sum || make_axis(&rows, from->height, region.y, region.height, to->height) ||
                 make_axis(&columns, from->width, region.x, region.width, to->width);
    if (!failed) scale(from, &rows, &columns, sum, to);
    free(sum);
    free(rows.windows);
    free(rows.weights);
    free(columns.windows);
    free(columns.weights);
    return failed ? -1 : 0;
}
