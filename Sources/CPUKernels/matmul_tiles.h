/// The innermost loops of the matrix product, in the vectors of one level.
///
///                    panel: 2 vectors of columns
///                   +---------+---------+
///        one step → | b[0]    | b[1]    |   depth steps down
///                   +---------+---------+
///     strip:  +---+ +---------+---------+
///     up to   | a | | c[0][0] | c[0][1] |   c stays in registers:
///     ROWS    | a | | c[1][0] | c[1][1] |   c[i][j] += a[i] b[j], a[i] spread over all lanes
///     rows    +---+ +---------+---------+
///
/// The strip is read where it lies, by two strides; so only a badly strided one need be copied first.
#pragma once

#include "matmul_internal.h"
#include "vectors.h"

/// Writes a finished tile that is ragged or whose columns are not adjacent in memory.
static __attribute__((noinline)) void store_scattered(const float *tile, long width, long rows, const soma_tile_target *to) {
    for (long j = 0; j < to->columns; j++) {
        float *column = to->c + j * to->c_column;
        for (long i = 0; i < rows; i++) {
            float value = tile[i * width + j];
            column[i * to->c_row] = to->accumulate ? column[i * to->c_row] + value : value;
        }
    }
}

/// One tile of `rows` rows and `vectors` vectors of columns. Both are constants where it is called.
INLINE void compute_tile(int rows, int vectors, long depth, const soma_strip *strip, const float *b, long b_step,
                         const soma_tile_target *to) {
    vfloat c[SOMA_TILE_ROWS][2];
    UNROLLED for (int i = 0; i < rows; i++) {
        UNROLLED for (int j = 0; j < vectors; j++) { c[i][j] = (vfloat)0.0f; }
    }
    const float *a = strip->a;
    const long a_row = strip->row, a_step = strip->step;
    for (long step = 0; step < depth; step++) {
        vfloat b_row[2];
        UNROLLED for (int j = 0; j < vectors; j++) { b_row[j] = load(b + j * SOMA_LANES); }
        UNROLLED for (int i = 0; i < rows; i++) {
            vfloat spread = (vfloat)a[i * a_row];
            UNROLLED for (int j = 0; j < vectors; j++) { c[i][j] += spread * b_row[j]; }
        }
        a += a_step;
        b += b_step;
    }
    if (to->c_column == 1 && to->columns == vectors * SOMA_LANES) {
        UNROLLED for (int i = 0; i < rows; i++) {
            UNROLLED for (int j = 0; j < vectors; j++) {
                float *place = to->c + i * to->c_row + j * SOMA_LANES;
                store(place, to->accumulate ? load(place) + c[i][j] : c[i][j]);
            }
        }
    } else {
        float tile[SOMA_TILE_ROWS * 2 * SOMA_LANES];
        UNROLLED for (int i = 0; i < rows; i++) {
            UNROLLED for (int j = 0; j < vectors; j++) { store(tile + (i * vectors + j) * SOMA_LANES, c[i][j]); }
        }
        store_scattered(tile, vectors * SOMA_LANES, rows, to);
    }
}

#define TILE(rows) \
    static void tile_##rows##x1(long depth, const soma_strip *strip, const float *b, long b_step, const soma_tile_target *to) { \
        compute_tile(rows, 1, depth, strip, b, b_step, to); \
    } \
    static void tile_##rows##x2(long depth, const soma_strip *strip, const float *b, long b_step, const soma_tile_target *to) { \
        compute_tile(rows, 2, depth, strip, b, b_step, to); \
    }
#define PAIR(rows) {tile_##rows##x1, tile_##rows##x2}

TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
#if SOMA_TILE_ROWS > 6
TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
#endif
#if SOMA_TILE_ROWS > 12
TILE(13) TILE(14)
#endif

static const soma_tile tiles[SOMA_TILE_ROWS][2] = {
    PAIR(1), PAIR(2), PAIR(3), PAIR(4), PAIR(5), PAIR(6),
#if SOMA_TILE_ROWS > 6
    PAIR(7), PAIR(8), PAIR(9), PAIR(10), PAIR(11), PAIR(12),
#endif
#if SOMA_TILE_ROWS > 12
    PAIR(13), PAIR(14),
#endif
};

/// Copies a block of b, whose columns may lie anywhere, into a panel: `width` floats a step, missing columns zero.
static void pack_panel(float *to, long width, long depth, long columns, const float *b, long b_step, long b_column) {
    if (b_column == 1 && columns == width) {
        for (long step = 0; step < depth; step++) { memcpy(to + step * width, b + step * b_step, (size_t)width * sizeof(float)); }
        return;
    }
    long done = 0;
    if (b_step == 1 && columns >= SOMA_LANES) {
        long whole = columns / SOMA_LANES * SOMA_LANES;
        for (; done + SOMA_LANES <= depth; done += SOMA_LANES) {
            for (long first = 0; first < whole; first += SOMA_LANES) {
                vfloat square[SOMA_LANES];
                UNROLLED for (int i = 0; i < SOMA_LANES; i++) { square[i] = load(b + (first + i) * b_column + done); }
                transpose(square);
                UNROLLED for (int i = 0; i < SOMA_LANES; i++) { store(to + (done + i) * width + first, square[i]); }
            }
            for (long j = whole; j < width; j++) {
                for (long i = done; i < done + SOMA_LANES; i++) { to[i * width + j] = j < columns ? b[j * b_column + i] : 0; }
            }
        }
    }
    for (long step = done; step < depth; step++) {
        for (long j = 0; j < width; j++) { to[step * width + j] = j < columns ? b[step * b_step + j * b_column] : 0; }
    }
}
