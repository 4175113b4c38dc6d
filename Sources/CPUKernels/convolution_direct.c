#include "soma_convolution.h"

#include "levels.h"
#include "scratch.h"
#include "soma_team.h"
#include <string.h>

/// One run: items are blocks of rows of pixels of y.
///
/// The rows of x that a block reads are copied with the padding around them, the columns of each remainder by the stride side by side:
/// then the elements that neighbouring pixels of a row multiply by one tap are adjacent. A tile of the matrix product makes some channels
/// of some pixels, and finds the elements of each tap by a table of places.
typedef struct direct_run {
    const libraries_convolution *shape;
    const soma_level *level;
    const float *x;
    float *y;
    long strides[4];                  // of x: image, channel, row, column
    long pixel, channel;              // of y: from one to the next
    long depth, strips;               // taps of a filter; strips of filters
    long width, line, plane;          // of the copy: elements of a remainder's columns, of a row, of a channel
    long rows, blocks;                // of y in a block; blocks of an image
    float *filters;                   // [strips, depth, filters of the strip]
    int32_t *places;                  // of the taps in the copy
    float *parts;                     // a copy for each part
} direct_run;

static _Thread_local soma_scratch scratch;

static long smaller(long x, long y) { return x < y ? x : y; }
static long larger(long x, long y) { return x > y ? x : y; }
static long ceiling(long value, long divisor) { return (value + divisor - 1) / divisor; }

static void pack_filters(const direct_run *run, const float *w) {
    for (long strip = 0; strip < run->strips; strip++) {
        long begin = run->shape->output_channels * strip / run->strips, end = run->shape->output_channels * (strip + 1) / run->strips;
        float *to = run->filters + begin * run->depth;
        for (long k = begin; k < end; k++) {
            for (long tap = 0; tap < run->depth; tap++) { to[tap * (end - begin) + k - begin] = w[k * run->depth + tap]; }
        }
    }
}

static void find_places(const direct_run *run) {
    const libraries_convolution *c = run->shape;
    int32_t *place = run->places;
    for (long channel = 0; channel < c->input_channels; channel++) {
        for (long r = 0; r < c->size[0]; r++) {
            for (long s = 0; s < c->size[1]; s++) {
                long column = s * c->dilation[1];
                *place++ = (int32_t)(channel * run->plane + r * c->dilation[0] * run->line + column % c->stride[1] * run->width + column / c->stride[1]);
            }
        }
    }
}

/// Copies a row, or zeros where it lies outside. `from` is its first element.
static void copy_row(const direct_run *run, const float *from, bool inside, float *to) {
    const libraries_convolution *c = run->shape;
    long stride = c->stride[1], step = run->strides[3];
    for (long remainder = 0; remainder < stride; remainder++, to += run->width) {
        // Element q is column q · stride + first.
        long first = remainder - c->before[1];
        long begin = inside ? larger(0, first < 0 ? ceiling(-first, stride) : 0) : run->width;
        long end = larger(smaller(run->width, first < c->input[1] ? ceiling(c->input[1] - first, stride) : 0), begin = smaller(begin, run->width));
        memset(to, 0, (size_t)begin * sizeof(float));
        for (long q = begin; q < end; q++) { to[q] = from[(q * stride + first) * step]; }
        memset(to + end, 0, (size_t)(run->width - end) * sizeof(float));
    }
}

static void copy_rows(const direct_run *run, long image, long row, long rows, float *copy) {
    const libraries_convolution *c = run->shape;
    long lines = (rows - 1) * c->stride[0] + (c->size[0] - 1) * c->dilation[0] + 1;
    for (long channel = 0; channel < c->input_channels; channel++) {
        const float *plane = run->x + image * run->strides[0] + channel * run->strides[1];
        for (long line = 0; line < lines; line++) {
            long from = row * c->stride[0] - c->before[0] + line;
            bool inside = from >= 0 && from < c->input[0];
            copy_row(run, plane + (inside ? from : 0) * run->strides[2], inside, copy + channel * run->plane + line * run->line);
        }
    }
}

/// All channels of a row of pixels.
static void compute_row(const direct_run *run, const float *lines, float *y) {
    const libraries_convolution *c = run->shape;
    const soma_matmul_kernels *matmul = &run->level->matmul;
    for (long strip = 0; strip < run->strips; strip++) {
        long begin = c->output_channels * strip / run->strips, filters = c->output_channels * (strip + 1) / run->strips - begin;
        soma_strip a = {run->filters + begin * run->depth, 1, filters};
        for (long column = 0; column < c->output[1]; column += 2 * matmul->lanes) {
            long columns = smaller(2 * matmul->lanes, c->output[1] - column);
            soma_tile_target to = {y + begin * run->channel + column * run->pixel, run->channel, run->pixel, columns, false};
            matmul->window_tiles[filters - 1][columns > matmul->lanes](run->depth, &a, lines + column, run->places, &to);
        }
    }
}

static void run_blocks(long begin, long end, int part, void *context) {
    const direct_run *run = context;
    const libraries_convolution *c = run->shape;
    float *copy = run->parts + part * c->input_channels * run->plane;
    for (long item = begin; item < end; item++) {
        long image = item / run->blocks, row = item % run->blocks * run->rows, rows = smaller(run->rows, c->output[0] - row);
        copy_rows(run, image, row, rows, copy);
        for (long i = 0; i < rows; i++) {
            long pixels = (image * c->output[0] * c->output_channels + (row + i) * (run->pixel == 1 ? 1 : c->output_channels)) * c->output[1];
            compute_row(run, copy + i * c->stride[0] * run->line, run->y + pixels);
        }
    }
}

bool soma_convolution_suits_direct(const libraries_convolution *c) {
    return c->pass == 0 && c->groups == 1 && c->input_channels <= 8;
}

bool soma_convolution_run_direct(
    const libraries_convolution *c, const int64_t strides[4], bool channels_last, const float *x, const float *w, float *y
) {
    direct_run run = {.shape = c, .level = soma_level_current(), .x = x, .y = y, .depth = c->input_channels * c->size[0] * c->size[1]};
    for (int axis = 0; axis < 4; axis++) { run.strides[axis] = strides[axis]; }
    run.pixel = channels_last ? c->output_channels : 1, run.channel = channels_last ? 1 : c->output[0] * c->output[1];
    run.strips = ceiling(c->output_channels, run.level->matmul.rows);
    // Behind the last pixel there is room for the vectors that reach past it.
    run.width = ceiling(c->output[1], 2 * run.level->lanes) * 2 * run.level->lanes + (c->size[1] - 1) * c->dilation[1] / c->stride[1];
    run.line = run.width * c->stride[1];
    long reach = (c->size[0] - 1) * c->dilation[0] + 1, cached = 32768 / (run.line * c->input_channels);
    run.rows = smaller(larger((cached - reach) / c->stride[0] + 1, 1), c->output[0]);
    run.blocks = ceiling(c->output[0], run.rows);
    run.plane = ((run.rows - 1) * c->stride[0] + reach) * run.line;
    long filters = c->output_channels * run.depth;
    run.filters = soma_scratch_reserve(&scratch, filters + run.depth + soma_team_size() * c->input_channels * run.plane);
    if (run.filters == NULL) { return false; }
    run.places = (int32_t *)(run.filters + filters), run.parts = run.filters + filters + run.depth;
    pack_filters(&run, w);
    find_places(&run);
    soma_parallel_for(c->batch * run.blocks, 1, run_blocks, &run);
    return true;
}
