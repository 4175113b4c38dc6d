/// A square of elements with rows and columns exchanged; compiled once per level.
#pragma once
#include "vectors.h"

/// - Parameters:
///   - rows, columns: of the source, at most SOMA_LANES each.
static void transpose_tile(long rows, long columns, const float *source, long row_stride, float *target, long column_stride) {
    vfloat lines[SOMA_LANES];
    if (rows == SOMA_LANES && columns == SOMA_LANES) {
        UNROLLED for (int row = 0; row < SOMA_LANES; row++) { lines[row] = load(source + row * row_stride); }
        transpose(lines);
        UNROLLED for (int column = 0; column < SOMA_LANES; column++) { store(target + column * column_stride, lines[column]); }
        return;
    }
    for (long row = 0; row < SOMA_LANES; row++) {
        lines[row] = row >= rows ? (vfloat)0 : columns == SOMA_LANES ? load(source + row * row_stride) : load_part(source + row * row_stride, columns);
    }
    transpose(lines);
    for (long column = 0; column < columns; column++) {
        if (rows == SOMA_LANES) { store(target + column * column_stride, lines[column]); } else { store_part(target + column * column_stride, lines[column], rows); }
    }
}
