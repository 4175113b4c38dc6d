// The pixels that Winograd's products are not good enough for.
//
// The products mix all pixels of a square of 6×6. What one of them rounds, relative to the largest of the square, is in all 4×4 results,
// though each is a sum over 3×3 pixels alone; and an infinity or a NaN is in all of them. So the results of a tile are sums by the definition where
// products could overflow, and where some result's 3×3 pixels are all smaller than the largest of the square by more than SOMA_WINOGRAD_SPREAD.
// Where they are all zero, as around a cut-out, that result alone is made zero.
#include "winograd_run.h"

#include "soma_team.h"
#include <string.h>

enum { taps = 9, most_rows = 16 };

unsigned winograd_doubts(const winograd_run *run, const float *const pixels[SOMA_WINOGRAD_PLANES]) {
    float magnitudes[planes], largest = 0;
    // Of zeros products are right, but by a tap that is not finite.
    if (!run->level->winograd.magnitudes(pixels, run->depth, magnitudes)) { return run->limit < 0 ? all_doubts : 0; }
    for (int i = 0; i < planes; i++) { largest = magnitudes[i] > largest ? magnitudes[i] : largest; }
    if (largest > run->limit) { return all_doubts; }
    unsigned zeros = 0;
    for (int pixel = 0; pixel < tile * tile; pixel++) {
        float seen = 0;
        for (int tap = 0; tap < taps; tap++) {
            float magnitude = magnitudes[(pixel / tile + tap / 3) * window + pixel % tile + tap % 3];
            seen = magnitude > seen ? magnitude : seen;
        }
        if (seen > 0 && seen < largest / SOMA_WINOGRAD_SPREAD) { return all_doubts; }
        zeros |= (unsigned)(seen == 0) << pixel;
    }
    return zeros;
}

/// The filters as panels of rows [9, depth].
static void pack_filters(long begin, long end, int part, void *context) {
    (void)part;
    const winograd_run *run = context;
    for (long panel = begin; panel < end; panel++) {
        long first = panel * 2 * run->level->lanes, width = winograd_panel_width(run, first);
        float *to = run->filters + first * taps * run->depth;
        for (long tap = 0; tap < taps; tap++) {
            for (long k = 0; k < run->depth; k++, to += width) {
                const float *from = run->w + run->first_tap + tap * run->tap + k * run->depth_step;
                for (long j = 0; j < width; j++) { to[j] = first + j < run->channels ? from[(first + j) * run->channel_step] : 0; }
            }
        }
    }
}

/// Copies the pixels that a result is a sum over, with zeros around the image.
static void gather(const winograd_run *run, long image, long row, long column, float *to) {
    for (long tap = 0; tap < taps; tap++, to += run->depth) {
        long y = row + tap / 3 - run->before[0], x = column + tap % 3 - run->before[1];
        bool is_inside = y >= 0 && y < run->input[0] && x >= 0 && x < run->input[1];
        const float *from = is_inside ? run->x + ((image * run->input[0] + y) * run->input[1] + x) * run->depth : NULL;
        size_t bytes = (size_t)run->depth * sizeof(float);
        if (is_inside) { memcpy(to, from, bytes); } else { memset(to, 0, bytes); }
    }
}

/// Multiplies gathered rows by the filters and writes each product to its pixel.
static void multiply(const winograd_run *run, long count, const float *rows, float *products, float *const results[most_rows]) {
    const soma_matmul_kernels *matmul = &run->level->matmul;
    if (count == 0) { return; }
    for (long column = 0; column < run->channel_row; column += 2 * matmul->lanes) {
        long columns = winograd_panel_width(run, column);
        soma_strip from = {rows, taps * run->depth, 1};
        soma_tile_target to = {products + column, run->channel_row, 1, columns, false};
        matmul->tiles[count - 1][columns / matmul->lanes - 1](taps * run->depth, &from, run->filters + column * taps * run->depth, columns, &to);
    }
    for (long i = 0; i < count; i++) { memcpy(results[i], products + i * run->channel_row, (size_t)run->channels * sizeof(float)); }
}

static void sum_pixels(long begin, long end, int part, void *context) {
    const winograd_run *run = context;
    // The memory of a part has room for the matrices of a tile at least, which is four rows.
    long row = taps * run->depth, most = smaller(smaller(run->level->matmul.rows, most_rows), run->part_size / (row + run->channel_row)), count = 0;
    float *rows = run->parts + part * run->part_size, *products = rows + most * row, *results[most_rows];
    for (long index = begin; index < end; index++) {
        winograd_place at = winograd_place_of(run, index);
        for (long pixel = 0; pixel < tile * tile && run->doubts[index] == all_doubts; pixel++) {
            long y = at.row + pixel / tile, x = at.column + pixel % tile;
            if (y >= run->output[0] || x >= run->output[1]) { continue; }
            gather(run, at.image, y, x, rows + count * row);
            results[count++] = run->y + ((at.image * run->output[0] + y) * run->output[1] + x) * run->channels;
            if (count == most) { multiply(run, count, rows, products, results), count = 0; }
        }
    }
    multiply(run, count, rows, products, results);
}

void winograd_sum_doubts(winograd_run *run) {
    bool has_doubts = false;
    for (long index = 0; index < run->count && !has_doubts; index++) { has_doubts = run->doubts[index] == all_doubts; }
    if (!has_doubts) { return; }
    soma_parallel_for(ceiling(run->channel_row, 2 * run->level->lanes), 1, pack_filters, run);
    soma_parallel_for(run->count, 1, sum_pixels, run);
}
