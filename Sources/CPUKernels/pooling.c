#include "soma_pooling.h"

#include "levels.h"
#include "soma_team.h"
#include <string.h>

typedef struct pooling_run {
    const soma_pooling *pooling;
    const soma_pooling_kernels *kernels;
    const float *x, *g;
    float *result;
} pooling_run;

/// The first place in a window that lies inside of the image, and how many do.
static void clip(const soma_pooling *p, int axis, long place, long *first, long *count) {
    long start = place * p->stride[axis] - p->before[axis];
    *first = start >= 0 ? 0 : (-start + p->dilation[axis] - 1) / p->dilation[axis];
    long end = p->input[axis] > start ? (p->input[axis] - start + p->dilation[axis] - 1) / p->dilation[axis] : 0;
    if (end > p->size[axis]) { end = p->size[axis]; }
    *count = end > *first ? end - *first : 0;
}

/// The window at a place of the result, and the element of the image's memory where it begins.
static pooling_window window_at(const soma_pooling *p, long row, long column, long *start) {
    pooling_window window = {
        .row_step = p->dilation[0] * p->input[1] * p->channels, .column_step = p->dilation[1] * p->channels};
    long first_row, first_column;
    clip(p, 0, row, &first_row, &window.rows);
    clip(p, 1, column, &first_column, &window.columns);
    long y = row * p->stride[0] - p->before[0] + first_row * p->dilation[0];
    long x = column * p->stride[1] - p->before[1] + first_column * p->dilation[1];
    *start = (y * p->input[1] + x) * p->channels;
    return window;
}

static void pool_rows(long begin, long end, int part, void *context) {
    (void)part;
    const pooling_run *run = context;
    const soma_pooling *p = run->pooling;
    for (long item = begin; item < end; item++) {
        const float *image = run->x + item / p->output[0] * p->input[0] * p->input[1] * p->channels;
        float *y = run->result + item * p->output[1] * p->channels;
        for (long column = 0; column < p->output[1]; column++, y += p->channels) {
            long start;
            pooling_window window = window_at(p, item % p->output[0], column, &start);
            (p->is_max ? run->kernels->max : run->kernels->sum)(&window, p->channels, image + start, y);
        }
    }
}

/// Fewer elements than this are not worth another thread.
enum { grain = 8192 };

void soma_pooling_run(const soma_pooling *pooling, const float *x, float *y) {
    pooling_run run = {pooling, &soma_level_current()->pooling, x, NULL, y};
    long row = pooling->output[1] * pooling->channels * pooling->size[0] * pooling->size[1];
    soma_parallel_for(pooling->batch * pooling->output[0], 1 + grain / (row + 1), pool_rows, &run);
}

/// Windows may overlap within an image, so each image belongs to one thread; where there are few, blocks of its channels do.
enum { channel_block = 64 };

static void spread_images(long begin, long end, int part, void *context) {
    (void)part;
    const pooling_run *run = context;
    const soma_pooling *p = run->pooling;
    long blocks = (p->channels + channel_block - 1) / channel_block;
    for (long item = begin; item < end; item++) {
        long image = item / blocks * p->input[0] * p->input[1] * p->channels, first = item % blocks * channel_block;
        long channels = p->channels - first < channel_block ? p->channels - first : channel_block;
        float *dx = run->result + image + first;
        for (long pixel = 0; pixel < p->input[0] * p->input[1]; pixel++) {
            memset(dx + pixel * p->channels, 0, (size_t)channels * sizeof(float));
        }
        const float *g = run->g + item / blocks * p->output[0] * p->output[1] * p->channels + first;
        for (long place = 0; place < p->output[0] * p->output[1]; place++, g += p->channels) {
            long start;
            pooling_window window = window_at(p, place / p->output[1], place % p->output[1], &start);
            if (window.rows * window.columns == 0) { continue; }
            const float *x = p->is_max ? run->x + image + first + start : NULL;
            (p->is_max ? run->kernels->max_gradient : run->kernels->sum_gradient)(&window, channels, x, g, dx + start);
        }
    }
}

void soma_pooling_run_gradient(const soma_pooling *pooling, const float *x, const float *g, float *dx) {
    pooling_run run = {pooling, &soma_level_current()->pooling, x, g, dx};
    long blocks = (pooling->channels + channel_block - 1) / channel_block;
    long size = pooling->input[0] * pooling->input[1] * (pooling->channels / blocks);
    soma_parallel_for(pooling->batch * blocks, 1 + grain / (size + 1), spread_images, &run);
}
