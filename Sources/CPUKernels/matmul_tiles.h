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

/// Writes the first `count` lanes of a vector to adjacent elements, or adds them.
INLINE void put_part(float *to, vfloat value, long count, bool accumulate) {
    if (count == SOMA_LANES) {
        store(to, accumulate ? load(to) + value : value);
    } else {
        store_part(to, accumulate ? load_part(to, count) + value : value, count);
    }
}

/// Writes a finished tile, `width` floats a row, whose rows are adjacent in C's columns: a square at a time is turned over.
static void store_transposed(const float *tile, long width, long rows, const soma_tile_target *to) {
    for (long i = 0; i < rows; i += SOMA_LANES) {
        long count = rows - i < SOMA_LANES ? rows - i : SOMA_LANES;
        for (long first = 0; first < to->columns; first += SOMA_LANES) {
            vfloat square[SOMA_LANES];
            for (long k = 0; k < SOMA_LANES; k++) { square[k] = k < count ? load(tile + (i + k) * width + first) : (vfloat)0.0f; }
            transpose(square);
            for (long j = 0; j < SOMA_LANES && first + j < to->columns; j++) {
                put_part(to->c + (first + j) * to->c_column + i, square[j], count, to->accumulate);
            }
        }
    }
}

/// Writes a finished tile that is ragged or lies otherwise than in rows.
static __attribute__((noinline)) void store_tile(const float *tile, long width, long rows, const soma_tile_target *to) {
    if (to->c_column == 1) {
        for (long i = 0; i < rows; i++) {
            for (long first = 0; first < to->columns; first += SOMA_LANES) {
                long count = to->columns - first < SOMA_LANES ? to->columns - first : SOMA_LANES;
                put_part(to->c + i * to->c_row + first, load(tile + i * width + first), count, to->accumulate);
            }
        }
    } else if (to->c_row == 1) {
        store_transposed(tile, width, rows, to);
    } else {
        for (long i = 0; i < rows; i++) {
            for (long j = 0; j < to->columns; j++) {
                float *place = to->c + i * to->c_row + j * to->c_column;
                *place = to->accumulate ? *place + tile[i * width + j] : tile[i * width + j];
            }
        }
    }
}

/// One tile of `rows` rows and `vectors` vectors of columns. Both are constants where it is called.
/// Row k of b lies at k · b_step, or at places[k] where these are given.
INLINE void compute_tile(int rows, int vectors, long depth, const soma_strip *strip, const float *b, long b_step, const int32_t *places,
                         const soma_tile_target *to) {
    vfloat c[SOMA_TILE_ROWS][2];
    UNROLLED for (int i = 0; i < rows; i++) {
        UNROLLED for (int j = 0; j < vectors; j++) { c[i][j] = (vfloat)0.0f; }
    }
    const float *a = strip->a;
    const long a_row = strip->row, a_step = strip->step;
    for (long step = 0; step < depth; step++) {
        vfloat b_row[2];
        const float *from = places == NULL ? b : b + places[step];
        UNROLLED for (int j = 0; j < vectors; j++) { b_row[j] = load(from + j * SOMA_LANES); }
        UNROLLED for (int i = 0; i < rows; i++) {
            vfloat spread = (vfloat)a[i * a_row];
            UNROLLED for (int j = 0; j < vectors; j++) { c[i][j] += spread * b_row[j]; }
        }
        a += a_step;
        if (places == NULL) { b += b_step; }
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
        store_tile(tile, vectors * SOMA_LANES, rows, to);
    }
}

#define TILE(rows) \
    static void tile_##rows##x1(long depth, const soma_strip *strip, const float *b, long b_step, const soma_tile_target *to) { \
        compute_tile(rows, 1, depth, strip, b, b_step, NULL, to); \
    } \
    static void tile_##rows##x2(long depth, const soma_strip *strip, const float *b, long b_step, const soma_tile_target *to) { \
        compute_tile(rows, 2, depth, strip, b, b_step, NULL, to); \
    } \
    static void window_tile_##rows##x1(long depth, const soma_strip *strip, const float *b, const int32_t *places, const soma_tile_target *to) { \
        compute_tile(rows, 1, depth, strip, b, 0, places, to); \
    } \
    static void window_tile_##rows##x2(long depth, const soma_strip *strip, const float *b, const int32_t *places, const soma_tile_target *to) { \
        compute_tile(rows, 2, depth, strip, b, 0, places, to); \
    }

TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
#if SOMA_TILE_ROWS > 6
TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
#endif
#if SOMA_TILE_ROWS > 12
TILE(13) TILE(14)
#endif

#define EVERY_PAIR \
    PAIR(1), PAIR(2), PAIR(3), PAIR(4), PAIR(5), PAIR(6) EVERY_PAIR_OVER_6 EVERY_PAIR_OVER_12
#if SOMA_TILE_ROWS > 6
#define EVERY_PAIR_OVER_6 , PAIR(7), PAIR(8), PAIR(9), PAIR(10), PAIR(11), PAIR(12)
#else
#define EVERY_PAIR_OVER_6
#endif
#if SOMA_TILE_ROWS > 12
#define EVERY_PAIR_OVER_12 , PAIR(13), PAIR(14)
#else
#define EVERY_PAIR_OVER_12
#endif

#define PAIR(rows) {tile_##rows##x1, tile_##rows##x2}
static const soma_tile tiles[SOMA_TILE_ROWS][2] = {EVERY_PAIR};
#undef PAIR
#define PAIR(rows) {window_tile_##rows##x1, window_tile_##rows##x2}
static const soma_window_tile window_tiles[SOMA_TILE_ROWS][2] = {EVERY_PAIR};

/// Copies rows of adjacent columns; what a panel is wider is zero.
static void pack_rows_of_panel(float *to, long width, long depth, long columns, const float *b, long b_step) {
    long whole = columns / SOMA_LANES * SOMA_LANES;
    for (long step = 0; step < depth; step++, to += width, b += b_step) {
        for (long j = 0; j < whole; j += SOMA_LANES) { store(to + j, load(b + j)); }
        if (whole < columns) { store(to + whole, load_part(b + whole, columns - whole)); }
        for (long j = (columns + SOMA_LANES - 1) / SOMA_LANES * SOMA_LANES; j < width; j += SOMA_LANES) { store(to + j, (vfloat)0.0f); }
    }
}

/// Copies columns whose steps are adjacent, a square at a time; returns how many steps are done.
static long pack_columns_of_panel(float *to, long width, long depth, long columns, const float *b, long b_column) {
    long step = 0;
    for (; step + SOMA_LANES <= depth; step += SOMA_LANES) {
        for (long first = 0; first < width; first += SOMA_LANES) {
            vfloat square[SOMA_LANES];
            for (long k = 0; k < SOMA_LANES; k++) {
                square[k] = first + k < columns ? load(b + (first + k) * b_column + step) : (vfloat)0.0f;
            }
            transpose(square);
            for (long k = 0; k < SOMA_LANES; k++) { store(to + (step + k) * width + first, square[k]); }
        }
    }
    return step;
}

/// Copies a block of b, whose columns may lie anywhere, into a panel: `width` floats a step, missing columns zero.
static void pack_panel(float *to, long width, long depth, long columns, const float *b, long b_step, long b_column) {
    if (b_column == 1) { return pack_rows_of_panel(to, width, depth, columns, b, b_step); }
    long step = b_step == 1 ? pack_columns_of_panel(to, width, depth, columns, b, b_column) : 0;
    for (; step < depth; step++) {
        for (long j = 0; j < width; j++) { to[step * width + j] = j < columns ? b[step * b_step + j * b_column] : 0; }
    }
}
