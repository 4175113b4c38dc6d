#include "soma_transpose.h"

#include "levels.h"
#include "soma_team.h"

typedef struct transpose_run {
    const soma_transpose *transpose;
    void (*tile)(long rows, long columns, const float *source, long row_stride, float *target, long column_stride);
    const float *source;
    float *target;
    long side, blocks;
} transpose_run;

/// An item is a strip of columns: its tiles write the same lines of the target one after the other.
static void run_strips(long begin, long end, int part, void *context) {
    (void)part;
    const transpose_run *run = context;
    const soma_transpose *t = run->transpose;
    for (long item = begin; item < end; item++) {
        const float *source = run->source;
        float *target = run->target;
        long rest = item / run->blocks;
        for (int axis = t->rank - 1; axis >= 0; axis--) {
            source += rest % t->extents[axis] * t->source_strides[axis];
            target += rest % t->extents[axis] * t->target_strides[axis];
            rest /= t->extents[axis];
        }
        long column = item % run->blocks * run->side, columns = t->columns - column < run->side ? t->columns - column : run->side;
        for (long row = 0; row < t->rows; row += run->side) {
            long rows = t->rows - row < run->side ? t->rows - row : run->side;
            run->tile(rows, columns, source + row * t->row_stride + column, t->row_stride, target + column * t->column_stride + row, t->column_stride);
        }
    }
}

void soma_transpose_run(const soma_transpose *t, const float *source, float *target) {
    const soma_level *level = soma_level_current();
    transpose_run run = {.transpose = t, .tile = level->transpose_tile, .source = source, .target = target, .side = level->lanes};
    run.blocks = (t->columns + run.side - 1) / run.side;
    long count = run.blocks;
    for (int axis = 0; axis < t->rank; axis++) { count *= t->extents[axis]; }
    soma_parallel_for(count, 1 + 16384 / (t->rows * run.side + 1), run_strips, &run);
}
