#include "soma_convolution.h"

#include "counts.h"
#include "levels.h"
#include "library_search.h"
#include "scratch.h"
#include "soma_team.h"
#include <string.h>

enum { tile = SOMA_WINOGRAD_TILE, window = SOMA_WINOGRAD_WINDOW, planes = SOMA_WINOGRAD_PLANES, near_filters = 16 };
#define MOST_LANES 16

/// One run. The gradient of the input is the convolution of g with the filters turned by half a turn, from K channels to C.
///
/// A block of tiles is transformed into 36 matrices [tiles, depth]; each is multiplied by the matrix [depth, channels] that the filters
/// became; the 36 products are transformed into pixels. A block is small enough for its matrices to stay in the second-level cache.
typedef struct winograd_run {
    const soma_level *level;
    const float *x;
    float *y;
    long depth, channels;             // of x and of y
    const int64_t *input, *output;    // rows and columns of x and of y
    long before[2];
    const float *w;
    long depth_step, channel_step, tap, first_tap;   // of w, in elements

    long tiles[2], count, blocks;     // tiles down and across an image, in all images; blocks of them
    long depth_row, channel_row;      // of the matrices: whole vectors
    float *filters;                   // [panels, 36, depth, two vectors], planes a line further apart so that they do not share sets of the cache
    long panel_size;
    float *parts;                     // for each part its matrices, a pixel of zeros and one that nobody reads
    long part_size, block_tiles;
} winograd_run;

static _Thread_local soma_scratch scratch;

/// Channels of the panel that begins at one, and elements of one plane of it.
static long panel_width(const winograd_run *run, long channel) { return smaller(2 * run->level->lanes, run->channel_row - channel); }
static long plane_size(const winograd_run *run, long width) { return run->depth * width + 16; }

/// Transforms the filters of a vector of channels. Panels are those of the matrix product: two vectors, the last perhaps one.
static void transform_filters(long begin, long end, int part, void *context) {
    (void)part;
    const winograd_run *run = context;
    long lanes = run->level->lanes;
    for (long vector = begin; vector < end; vector++) {
        long panel = vector / 2, width = panel_width(run, panel * 2 * lanes), filters = smaller(lanes, run->channels - vector * lanes);
        float *u = run->filters + panel * run->panel_size + vector % 2 * lanes;
        const float *w = run->w + vector * lanes * run->channel_step;
        // Filters of a channel of y that lie far from the next one's are first brought together, a run of them at a time.
        float near[MOST_LANES][near_filters * 9 + 16];
        for (long k = 0; k < run->depth; k++) {
            const float *from = w + k * run->depth_step;
            long step = run->channel_step;
            if (run->depth_step == 9) {
                for (long lane = 0; lane < filters && k % near_filters == 0; lane++) {
                    memcpy(near[lane], from + lane * step, (size_t)smaller(near_filters, run->depth - k) * 9 * sizeof(float));
                }
                from = near[0] + k % near_filters * 9;
                step = near_filters * 9 + 16;
            }
            run->level->winograd.filter(from + run->first_tap, step, run->tap, filters, u + k * width, plane_size(run, width));
        }
    }
}

/// Where a tile begins.
typedef struct place { long image, row, column; } place;

static place place_of(const winograd_run *run, long index) {
    long across = index / run->tiles[1];
    return (place){across / run->tiles[0], across % run->tiles[0] * tile, index % run->tiles[1] * tile};
}

/// The pixels of a square of an image, those outside of it replaced by `outside`.
static void find_pixels(
    const float *image, const int64_t *extents, long row, long column, long side, long channels, const float *outside, const float **pixels
) {
    for (long i = 0; i < side; i++) {
        for (long j = 0; j < side; j++) {
            bool inside = row + i >= 0 && row + i < extents[0] && column + j >= 0 && column + j < extents[1];
            pixels[i * side + j] = inside ? image + ((row + i) * extents[1] + column + j) * channels : outside;
        }
    }
}

static void multiply(const winograd_run *run, long rows, const float *v, float *m) {
    const soma_matmul_kernels *matmul = &run->level->matmul;
    long width = 2 * matmul->lanes, strips = ceiling(rows, matmul->rows);
    for (long plane = 0; plane < planes; plane++) {
        const float *a = v + plane * rows * run->depth_row;
        float *c = m + plane * rows * run->channel_row;
        for (long column = 0; column < run->channel_row; column += width) {
            long columns = panel_width(run, column);
            const float *u = run->filters + column / width * run->panel_size + plane * plane_size(run, columns);
            for (long strip = 0; strip < strips; strip++) {
                long begin = rows * strip / strips, end = rows * (strip + 1) / strips;
                soma_strip from = {a + begin * run->depth_row, run->depth_row, 1};
                soma_tile_target to = {c + begin * run->channel_row + column, run->channel_row, 1, columns, false};
                matmul->tiles[end - begin - 1][columns / matmul->lanes - 1](run->depth, &from, u, columns, &to);
            }
        }
    }
}

static void run_blocks(long begin, long end, int part, void *context) {
    const winograd_run *run = context;
    float *zeros = run->parts + part * run->part_size, *nowhere = zeros + run->depth_row;
    float *v = nowhere + run->channel_row, *m = v + planes * run->block_tiles * run->depth_row;
    memset(zeros, 0, (size_t)run->depth_row * sizeof(float));
    for (long block = begin; block < end; block++) {
        long first = run->count * block / run->blocks, rows = run->count * (block + 1) / run->blocks - first;
        for (long row = 0; row < rows; row++) {
            place at = place_of(run, first + row);
            const float *pixels[planes], *image = run->x + at.image * run->input[0] * run->input[1] * run->depth;
            find_pixels(image, run->input, at.row - run->before[0], at.column - run->before[1], window, run->depth, zeros, pixels);
            run->level->winograd.input(pixels, run->depth, v + row * run->depth_row, rows * run->depth_row);
        }
        multiply(run, rows, v, m);
        for (long row = 0; row < rows; row++) {
            place at = place_of(run, first + row);
            float *pixels[tile * tile], *image = run->y + at.image * run->output[0] * run->output[1] * run->channels;
            find_pixels(image, run->output, at.row, at.column, tile, run->channels, nowhere, (const float **)pixels);
            run->level->winograd.output(m + row * run->channel_row, rows * run->channel_row, run->channels, pixels);
        }
    }
}

static winograd_run run_of(const libraries_convolution *c, const float *first, const float *second, float *result) {
    winograd_run run = {.level = soma_level_current(), .x = first, .w = second, .y = result};
    if (c->pass == 0) {
        run.depth = c->input_channels, run.channels = c->output_channels, run.input = c->input, run.output = c->output;
        run.depth_step = 9, run.channel_step = c->input_channels * 9, run.tap = 1;
    } else {
        run.depth = c->output_channels, run.channels = c->input_channels, run.input = c->output, run.output = c->input;
        run.depth_step = c->input_channels * 9, run.channel_step = 9, run.tap = -1, run.first_tap = 8;
    }
    for (int axis = 0; axis < 2; axis++) {
        run.before[axis] = c->pass == 0 ? c->before[axis] : 2 - c->before[axis];
        run.tiles[axis] = ceiling(run.output[axis], tile);
    }
    run.count = c->batch * run.tiles[0] * run.tiles[1];
    return run;
}

/// Cuts the tiles into blocks, as many for each part.
static void cut(winograd_run *run, int parts) {
    long lanes = run->level->lanes, rows = run->level->matmul.rows;
    // An odd number of vectors, so that the rows of a strip do not share sets of the cache.
    run->depth_row = (ceiling(run->depth, lanes) | 1) * lanes;
    run->channel_row = ceiling(run->channels, lanes) * lanes;
    long cached = 131072 / (planes * (run->depth_row + run->channel_row)) / rows * rows;
    long most = cached < 2 * rows ? 2 * rows : cached;
    run->blocks = smaller(ceiling(ceiling(run->count, most), parts) * parts, run->count);
    run->block_tiles = ceiling(run->count, run->blocks);
    run->part_size = (planes * run->block_tiles + 1) * (run->depth_row + run->channel_row);
}

bool soma_convolution_suits_winograd(const libraries_convolution *c) {
    for (int axis = 0; axis < 2; axis++) {
        if (c->size[axis] != 3 || c->stride[axis] != 1 || c->dilation[axis] != 1) { return false; }
    }
    winograd_run run = run_of(c, NULL, NULL, NULL);
    // Tiles at the edge may lie half outside; the products of all must stay well below a plain convolution's.
    bool fills_tiles = run.tiles[0] * run.tiles[1] * planes <= run.output[0] * run.output[1] * 9 / 2;
    bool fits = c->input_channels * c->output_channels <= 1 << 19;
    bool has_channels = run.depth >= 16 && run.channels >= 16;
    return c->pass != 2 && c->groups == 1 && has_channels && run.count >= 16 && fills_tiles && fits && !library_is_hidden("winograd");
}

bool soma_convolution_run_winograd(const libraries_convolution *c, const float *first, const float *second, float *result) {
    winograd_run run = run_of(c, first, second, result);
    int parts = soma_team_size();
    cut(&run, parts);
    long width = 2 * run.level->lanes, filters = ceiling(run.channel_row, width) * (run.panel_size = planes * plane_size(&run, width));
    run.filters = soma_scratch_reserve(&scratch, filters + parts * run.part_size);
    if (run.filters == NULL) { return false; }
    run.parts = run.filters + filters;
    soma_parallel_for(run.channel_row / run.level->lanes, 1 + 256 / run.depth, transform_filters, &run);
    soma_parallel_for(run.blocks, 1, run_blocks, &run);
    return true;
}
