#include "soma_convolution.h"

#include "counts.h"
#include "levels.h"
#include "scratch.h"
#include "soma_team.h"
#include <string.h>

/// One run: items are blocks of pixels of y, some rows by some columns.
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
    long spacing;                     // rows of x from one row of the copy to the next
    long rows, columns;               // of y in a block
    long down, across;                // blocks of an image
    float *filters;                   // [strips, depth, filters of the strip]
    int32_t *places;                  // of the taps in the copy
    float *parts;                     // a copy for each part
} direct_run;

static _Thread_local soma_scratch scratch;

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
                *place++ = (int32_t)(channel * run->plane + r * run->line + column % c->stride[1] * run->width + column / c->stride[1]);
            }
        }
    }
}

/// Copies a row from what pixel `column` of y reads on, or zeros where it lies outside. `from` is the row's first element.
static void copy_row(const direct_run *run, const float *from, bool inside, long column, float *to) {
    const libraries_convolution *c = run->shape;
    long stride = c->stride[1], step = run->strides[3];
    for (long remainder = 0; remainder < stride; remainder++, to += run->width) {
        // Element q is column q · stride + first.
        long first = column * stride + remainder - c->before[1];
        long begin = inside ? larger(0, first < 0 ? ceiling(-first, stride) : 0) : run->width;
        long end = larger(smaller(run->width, first < c->input[1] ? ceiling(c->input[1] - first, stride) : 0), begin = smaller(begin, run->width));
        memset(to, 0, (size_t)begin * sizeof(float));
        for (long q = begin; q < end; q++) { to[q] = from[(q * stride + first) * step]; }
        memset(to + end, 0, (size_t)(run->width - end) * sizeof(float));
    }
}

static void copy_rows(const direct_run *run, long image, long row, long rows, long column, float *copy) {
    const libraries_convolution *c = run->shape;
    long lines = (rows - 1) * c->stride[0] + c->size[0];
    for (long channel = 0; channel < c->input_channels; channel++) {
        const float *plane = run->x + image * run->strides[0] + channel * run->strides[1];
        for (long line = 0; line < lines; line++) {
            long from = row * c->stride[0] - c->before[0] + line * run->spacing;
            bool inside = from >= 0 && from < c->input[0];
            copy_row(run, plane + (inside ? from : 0) * run->strides[2], inside, column, copy + channel * run->plane + line * run->line);
        }
    }
}

/// All channels of `count` pixels of a row.
static void compute_row(const direct_run *run, const float *lines, long count, float *y) {
    const libraries_convolution *c = run->shape;
    const soma_matmul_kernels *matmul = &run->level->matmul;
    for (long strip = 0; strip < run->strips; strip++) {
        long begin = c->output_channels * strip / run->strips, filters = c->output_channels * (strip + 1) / run->strips - begin;
        soma_strip a = {run->filters + begin * run->depth, 1, filters};
        for (long column = 0; column < count; column += 2 * matmul->lanes) {
            long columns = smaller(2 * matmul->lanes, count - column);
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
        long image = item / (run->down * run->across), row = item / run->across % run->down * run->rows, column = item % run->across * run->columns;
        long rows = smaller(run->rows, c->output[0] - row), columns = smaller(run->columns, c->output[1] - column);
        copy_rows(run, image, row, rows, column, copy);
        float *y = run->y + image * c->output[0] * c->output[1] * c->output_channels;
        for (long i = 0; i < rows; i++) {
            compute_row(run, copy + i * c->stride[0] * run->line, columns, y + ((row + i) * c->output[1] + column) * run->pixel);
        }
    }
}

/// Cuts y into blocks whose copies stay in the second-level cache, and no smaller than the reach of one row of a tile.
static void cut(direct_run *run) {
    const libraries_convolution *c = run->shape;
    long lanes = 2 * run->level->lanes, reach = (c->size[1] - 1) * c->dilation[1] / c->stride[1], room = 32768 / (c->input_channels * c->stride[1]);
    long columns = (room / c->size[0] - reach) / lanes * lanes;
    run->columns = smaller(larger(columns, lanes), ceiling(c->output[1], lanes) * lanes);
    // Behind the last pixel there is room for the vectors that reach past it.
    run->width = run->columns + reach, run->line = run->width * c->stride[1];
    // Rows that a dilation leaves out are not copied, which the next row of y would want.
    run->spacing = c->size[0] == 1 ? 1 : c->dilation[0];
    run->rows = run->spacing > 1 ? 1 : smaller(larger((room / run->width - c->size[0]) / c->stride[0] + 1, 1), c->output[0]);
    run->plane = ((run->rows - 1) * c->stride[0] + c->size[0]) * run->line;
    run->down = ceiling(c->output[0], run->rows), run->across = ceiling(c->output[1], run->columns);
}

bool soma_convolution_suits_direct(const libraries_convolution *c) {
    // The copy of one row of a tile reaches as far as the filter.
    long copied = c->input_channels * c->size[0] * ((c->size[1] - 1) * c->dilation[1] + 1);
    return c->pass == 0 && c->groups == 1 && c->input_channels <= 8 && copied <= 1 << 20;
}

bool soma_convolution_run_direct(
    const libraries_convolution *c, const int64_t strides[4], bool channels_last, const float *x, const float *w, float *y
) {
    direct_run run = {.shape = c, .level = soma_level_current(), .x = x, .y = y, .depth = c->input_channels * c->size[0] * c->size[1]};
    for (int axis = 0; axis < 4; axis++) { run.strides[axis] = strides[axis]; }
    run.pixel = channels_last ? c->output_channels : 1, run.channel = channels_last ? 1 : c->output[0] * c->output[1];
    run.strips = ceiling(c->output_channels, run.level->matmul.rows);
    cut(&run);
    long filters = c->output_channels * run.depth;
    run.filters = soma_scratch_reserve(&scratch, filters + run.depth + soma_team_size() * c->input_channels * run.plane);
    if (run.filters == NULL) { return false; }
    run.places = (int32_t *)(run.filters + filters), run.parts = run.filters + filters + run.depth;
    pack_filters(&run, w);
    find_places(&run);
    soma_parallel_for(c->batch * run.down * run.across, 1, run_blocks, &run);
    return true;
}
