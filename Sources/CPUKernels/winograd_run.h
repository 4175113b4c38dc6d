#pragma once
#include "counts.h"
#include "levels.h"
#include "soma_convolution.h"

enum { tile = SOMA_WINOGRAD_TILE, window = SOMA_WINOGRAD_WINDOW, planes = SOMA_WINOGRAD_PLANES, all_doubts = 0xffff };

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

    float *largest_taps;              // that each part found
    float limit;                      // of a pixel: with larger ones products may overflow; negative where filters themselves do
    soma_winograd_trust trust;
    uint16_t *doubts;                 // for each tile the results that its products are not good enough for, a bit each
} winograd_run;

/// Channels of the panel that begins at one.
static inline long winograd_panel_width(const winograd_run *run, long channel) {
    return smaller(2 * run->level->lanes, run->channel_row - channel);
}

/// Where a tile begins.
typedef struct winograd_place { long image, row, column; } winograd_place;

static inline winograd_place winograd_place_of(const winograd_run *run, long index) {
    long across = index / run->tiles[1];
    return (winograd_place){across / run->tiles[0], across % run->tiles[0] * tile, index % run->tiles[1] * tile};
}

/// The results that the products of a tile are not good enough for, a bit each, after a closer look at what it is read from: all of them, or such as
/// are sums over zeros alone.
unsigned winograd_doubts(const winograd_run *run, const float *const pixels[SOMA_WINOGRAD_PLANES]);

/// Computes the tiles of which all are in doubt by the definition. Once the blocks are done: it takes their scratch memory.
void winograd_sum_doubts(winograd_run *run);
