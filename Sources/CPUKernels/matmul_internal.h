#pragma once
#include <stdbool.h>
#include <stdint.h>

/// Up to a tile's rows of the left operand: element (i, k) is `a[i * row + k * step]`.
typedef struct soma_strip {
    const float *a;
    long row, step;
} soma_strip;

/// Where a tile goes: element (i, j) is `c[i * c_row + j * c_column]`; `columns` of the panel's are wanted.
typedef struct soma_tile_target {
    float *c;
    long c_row, c_column, columns;
    bool accumulate;
} soma_tile_target;

typedef void (*soma_tile)(long depth, const soma_strip *strip, const float *b, long b_step, const soma_tile_target *to);
/// The same where row k of b begins at `places[k]`.
typedef void (*soma_window_tile)(long depth, const soma_strip *strip, const float *b, const int32_t *places, const soma_tile_target *to);
typedef void (*soma_pack_panel)(float *to, long width, long depth, long columns, const float *b, long b_step, long b_column);

/// y = x b, or y += x b, for a row x; b has adjacent columns, or columns of adjacent steps, the others `stride` apart.
typedef void (*soma_row_product)(long columns, long depth, const float *x, const float *b, long stride, float *y, bool accumulate);

/// What the matrix product needs of an instruction set level.
typedef struct soma_matmul_kernels {
    int lanes;                 ///< Floats in a vector; a panel is one or two vectors wide.
    int rows;                  ///< The most rows of a tile.
    const soma_tile (*tiles)[2];   ///< By rows less one, by vectors less one.
    const soma_window_tile (*window_tiles)[2];
    soma_pack_panel pack_panel;
    soma_row_product row_times_rows, row_times_columns;
} soma_matmul_kernels;
