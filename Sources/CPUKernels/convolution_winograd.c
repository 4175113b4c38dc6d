#include "soma_convolution.h"

#include "library_search.h"
#include "scratch.h"
#include "soma_team.h"
#include "winograd_run.h"
#include <float.h>
#include <string.h>

enum { near_filters = 16 };
#define MOST_LANES 16

static _Thread_local soma_scratch scratch;

/// Elements of one plane of a panel.
static long plane_size(const winograd_run *run, long width) { return run->depth * width + 16; }

/// Transforms the filters of a vector of channels. Panels are those of the matrix product: two vectors, the last perhaps one.
static void transform_filters(long begin, long end, int part, void *context) {
    const winograd_run *run = context;
    long lanes = run->level->lanes;
    float largest = 0;
    for (long vector = begin; vector < end; vector++) {
        long panel = vector / 2, width = winograd_panel_width(run, panel * 2 * lanes), filters = smaller(lanes, run->channels - vector * lanes);
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
            float found = run->level->winograd.filter(from + run->first_tap, step, run->tap, filters, u + k * width, plane_size(run, width));
            if (found > largest) { largest = found; }
        }
    }
    run->largest_taps[part] = largest;
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
            long columns = winograd_panel_width(run, column);
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

static void read_tile(const winograd_run *run, long index, const float *zeros, float *v, long plane) {
    winograd_place at = winograd_place_of(run, index);
    const float *pixels[planes], *image = run->x + at.image * run->input[0] * run->input[1] * run->depth;
    find_pixels(image, run->input, at.row - run->before[0], at.column - run->before[1], window, run->depth, zeros, pixels);
    unsigned cut = at.row + tile > run->output[0] ? SOMA_WINOGRAD_CUT_ROWS : 0;
    cut |= at.column + tile > run->output[1] ? SOMA_WINOGRAD_CUT_COLUMNS : 0;
    bool is_trusted = run->level->winograd.input(pixels, run->depth, &run->trust, cut, v, plane);
    run->doubts[index] = is_trusted ? 0 : winograd_doubts(run, pixels);
}

static void write_tile(const winograd_run *run, long index, const float *m, long plane, float *nowhere) {
    winograd_place at = winograd_place_of(run, index);
    float *pixels[tile * tile], *image = run->y + at.image * run->output[0] * run->output[1] * run->channels;
    find_pixels(image, run->output, at.row, at.column, tile, run->channels, nowhere, (const float **)pixels);
    run->level->winograd.output(m, plane, run->channels, pixels);
    unsigned zeros = run->doubts[index] == all_doubts ? 0 : run->doubts[index];
    for (int pixel = 0; zeros >> pixel != 0; pixel++) {
        if (zeros >> pixel & 1) { memset(pixels[pixel], 0, (size_t)run->channels * sizeof(float)); }
    }
}

static void run_blocks(long begin, long end, int part, void *context) {
    const winograd_run *run = context;
    float *zeros = run->parts + part * run->part_size, *nowhere = zeros + run->depth_row;
    float *v = nowhere + run->channel_row, *m = v + planes * run->block_tiles * run->depth_row;
    memset(zeros, 0, (size_t)run->depth_row * sizeof(float));
    for (long block = begin; block < end; block++) {
        long first = run->count * block / run->blocks, rows = run->count * (block + 1) / run->blocks - first;
        for (long row = 0; row < rows; row++) { read_tile(run, first + row, zeros, v + row * run->depth_row, rows * run->depth_row); }
        multiply(run, rows, v, m);
        for (long row = 0; row < rows; row++) {
            write_tile(run, first + row, m + row * run->channel_row, rows * run->channel_row, nowhere);
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

/// What tiles may hold for the products to be trusted, by the largest tap of the filters.
///
/// A sum of absolute values of a line is at most 5.13 in Bᵀ, 1.48 in G and 7.37 in Aᵀ: what is computed on the way stays below 3100 times the
/// channels times the largest pixel and tap.
static void set_trust(winograd_run *run, int parts) {
    float tap = 0;
    for (int part = 0; part < parts; part++) { tap = run->largest_taps[part] > tap ? run->largest_taps[part] : tap; }
    float limit = FLT_MAX / 4096 / (float)run->depth / (tap > 1 ? tap : 1);
    run->limit = tap <= FLT_MAX / 4 ? limit : -1;
    run->trust = (soma_winograd_trust){
        .least = 0x1p-100f, .most = run->limit < 0 ? -1 : limit > 0x1p63f ? FLT_MAX : limit * limit,
        .spread = (float)SOMA_WINOGRAD_SPREAD * SOMA_WINOGRAD_SPREAD / (float)run->depth,
    };
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
    run.filters = soma_scratch_reserve(&scratch, filters + parts * run.part_size + parts + ceiling(run.count, 2));
    if (run.filters == NULL) { return false; }
    run.parts = run.filters + filters;
    run.largest_taps = run.parts + parts * run.part_size;
    run.doubts = (uint16_t *)(run.largest_taps + parts);
    memset(run.largest_taps, 0, (size_t)parts * sizeof(float));
    soma_parallel_for(run.channel_row / run.level->lanes, 1 + 256 / run.depth, transform_filters, &run);
    set_trust(&run, parts);
    soma_parallel_for(run.blocks, 1, run_blocks, &run);
    winograd_sum_doubts(&run);
    return true;
}
