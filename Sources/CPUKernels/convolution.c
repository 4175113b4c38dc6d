#include "soma_convolution.h"

#include "soma_matmul.h"
#include "soma_team.h"
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/// One run: items are blocks of pixels of the result of the forward pass.
/// The gradient of a filter is one sum over all of them, so one thread makes it.
typedef struct convolution_run {
    const libraries_convolution *shape;
    const float *x, *g;
    float *y, *dx;
    float *filter;             // as [K, rows, columns, C / groups], or its gradient
    long pixels, blocks;       // of an image: pixels in a block, blocks
    atomic_bool failed;
} convolution_run;

static long filter_count(const libraries_convolution *c) {
    return c->output_channels * (c->input_channels / c->groups) * c->size[0] * c->size[1];
}

/// Elements of a row of windows of one group.
static long window_count(const libraries_convolution *c) { return c->input_channels / c->groups * c->size[0] * c->size[1]; }

/// Copies [K, C / groups, area] to [K, area, C / groups], or back.
static void reorder_filter(const libraries_convolution *c, const float *from, float *to, bool back) {
    long area = c->size[0] * c->size[1], channels = c->input_channels / c->groups;
    for (long k = 0; k < c->output_channels; k++) {
        for (long channel = 0; channel < channels; channel++) {
            for (long place = 0; place < area; place++) {
                long plain = (k * channels + channel) * area + place, own = (k * area + place) * channels + channel;
                if (back) { to[plain] = from[own]; } else { to[own] = from[plain]; }
            }
        }
    }
}

/// Calls for each pixel of a window that lies inside of the image: copies its channels to the row of the matrix, or adds them from there.
static void move_window(const libraries_convolution *c, float *image, float *row, long y, long x, long group, bool adds) {
    long channels = c->input_channels / c->groups;
    for (long r = 0; r < c->size[0]; r++) {
        long iy = y * c->stride[0] + r * c->dilation[0] - c->before[0];
        for (long s = 0; s < c->size[1]; s++, row += channels) {
            long ix = x * c->stride[1] + s * c->dilation[1] - c->before[1];
            bool inside = iy >= 0 && iy < c->input[0] && ix >= 0 && ix < c->input[1];
            float *pixel = image + (iy * c->input[1] + ix) * c->input_channels + group * channels;
            if (!adds && inside) {
                memcpy(row, pixel, (size_t)channels * sizeof(float));
            } else if (!adds) {
                memset(row, 0, (size_t)channels * sizeof(float));
            } else if (inside) {
                for (long channel = 0; channel < channels; channel++) { pixel[channel] += row[channel]; }
            }
        }
    }
}

/// A product of rows of windows [pixels, window], pixels of one group's channels of y [pixels, K / groups], and the group's filter.
static bool multiply(const libraries_convolution *c, float *windows, float *y, float *filter, long pixels) {
    long channels = c->output_channels / c->groups, window = window_count(c), row = c->output_channels;
    soma_matmul product = {.batch = 1};
    switch (c->pass) {
    case 0:
        product = (soma_matmul){pixels, channels, window, 1, window, 1, 0, 1, window, 0, row, 1, 0, false};
        return soma_matmul_run(&product, windows, filter, y);
    case 1:
        product = (soma_matmul){pixels, window, channels, 1, row, 1, 0, window, 1, 0, window, 1, 0, false};
        return soma_matmul_run(&product, y, filter, windows);
    default:
        product = (soma_matmul){channels, window, pixels, 1, 1, row, 0, window, 1, 0, window, 1, 0, true};
        return soma_matmul_run(&product, y, windows, filter);
    }
}

static void run_block(convolution_run *run, long image, long block, float *windows) {
    const libraries_convolution *c = run->shape;
    long window = window_count(c), first = block * run->pixels, area = c->output[0] * c->output[1];
    long pixels = area - first < run->pixels ? area - first : run->pixels;
    float *x = (c->pass == 1 ? run->dx : (float *)run->x) + image * c->input[0] * c->input[1] * c->input_channels;
    float *y = (c->pass == 0 ? run->y : (float *)run->g) + (image * area + first) * c->output_channels;
    for (long group = 0; group < c->groups; group++) {
        float *part = run->filter + group * (c->output_channels / c->groups) * window;
        for (long pixel = 0; pixel < pixels && c->pass != 1; pixel++) {
            move_window(c, x, windows + pixel * window, (first + pixel) / c->output[1], (first + pixel) % c->output[1], group, false);
        }
        if (!multiply(c, windows, y + group * (c->output_channels / c->groups), part, pixels)) { atomic_store(&run->failed, true); }
        for (long pixel = 0; pixel < pixels && c->pass == 1; pixel++) {
            move_window(c, x, windows + pixel * window, (first + pixel) / c->output[1], (first + pixel) % c->output[1], group, true);
        }
    }
}

static void run_items(long begin, long end, int part, void *context) {
    (void)part;
    convolution_run *run = context;
    const libraries_convolution *c = run->shape;
    float *windows = malloc((size_t)(run->pixels * window_count(c)) * sizeof(float));
    if (windows == NULL) {
        atomic_store(&run->failed, true);
        return;
    }
    // A gradient of the image adds up where windows overlap, so all blocks of an image belong to one thread.
    long step = c->pass == 1 ? run->blocks : 1;
    for (long item = begin * step; item < end * step; item++) { run_block(run, item / run->blocks, item % run->blocks, windows); }
    free(windows);
}

static void run_pass(convolution_run *run) {
    const libraries_convolution *c = run->shape;
    if (c->pass == 2) {
        run_items(0, c->batch * run->blocks, 0, run);
    } else {
        soma_parallel_for(c->pass == 1 ? c->batch : c->batch * run->blocks, 1, run_items, run);
    }
}

bool soma_convolution_run(const libraries_convolution *c, const float *first, const float *second, float *result) {
    float *filter = calloc((size_t)filter_count(c), sizeof(float));
    if (filter == NULL) { return false; }
    convolution_run run = {.shape = c, .filter = filter};
    // About as many windows as stay in the second-level cache.
    long area = c->output[0] * c->output[1], most = 131072 / window_count(c);
    run.pixels = most < area ? most : area;
    if (run.pixels < 1) { run.pixels = 1; }
    run.blocks = (area + run.pixels - 1) / run.pixels;
    if (c->pass != 2) { reorder_filter(c, second, filter, false); }
    switch (c->pass) {
    case 0: run.x = first, run.y = result; break;
    case 1:
        run.g = first, run.dx = result;
        memset(result, 0, (size_t)(c->batch * c->input[0] * c->input[1] * c->input_channels) * sizeof(float));
        break;
    default: run.x = first, run.g = second;
    }
    run_pass(&run);
    bool done = !atomic_load(&run.failed);
    if (done && c->pass == 2) { reorder_filter(c, filter, result, true); }
    free(filter);
    return done;
}
