#include "soma_matmul.h"

#include "counts.h"
#include "matmul_plan.h"
#include "scratch.h"
#include "soma_team.h"
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local soma_scratch panel_scratch, strip_scratch;

/// One block of the depth and of the columns of one product: what the threads work on together.
typedef struct block {
    const soma_matmul_plan *plan;
    const soma_matmul_kernels *kernels;
    const float *a, *b;
    float *c;
    float *panels;
    long depth, columns, width;
    bool accumulate;
    const soma_epilogue *epilogue; // of the rows that are then done; null for none
    atomic_bool *failed;       // some thread had no scratch memory
} block;

static long panel_columns(const block *block, long panel) {
    return smaller(block->width, block->columns - panel * block->width);
}

static bool is_packed(const block *block, long panel) {
    return block->plan->packs_b || panel_columns(block, panel) < block->width;
}

static void pack_panels(long begin, long end, int part, void *context) {
    (void)part;
    const block *block = context;
    const soma_matmul *p = &block->plan->product;
    // Where columns are adjacent, a few steps of all panels at a time, so that memory is read in long runs.
    long turn = p->b_column == 1 ? 16 : block->depth;
    for (long step = 0; step < block->depth; step += turn) {
        long steps = smaller(turn, block->depth - step);
        for (long panel = begin; panel < end; panel++) {
            if (!is_packed(block, panel)) { continue; }
            block->kernels->pack_panel(block->panels + panel * block->width * block->depth + step * block->width, block->width, steps,
                                       panel_columns(block, panel), block->b + panel * block->width * p->b_column + step * p->b_depth,
                                       p->b_depth, p->b_column);
        }
    }
}

/// Copies `rows` rows of A so that the cache holds them well, and tells how the copy is read.
static soma_strip pack_rows(const block *block, const float *a, long rows) {
    const soma_matmul *p = &block->plan->product;
    if (p->a_depth == 1) {
        // Rows stay rows, at an odd number of cache lines from each other.
        long row = (block->depth + 15) / 16 * 16 + 16 * (1 - (block->depth + 15) / 16 % 2);
        float *copy = soma_scratch_reserve(&strip_scratch, rows * row);
        if (copy == NULL) { return (soma_strip){0}; }
        for (long i = 0; i < rows; i++) { memcpy(copy + i * row, a + i * p->a_row, (size_t)block->depth * sizeof(float)); }
        return (soma_strip){copy, row, 1};
    }
    float *copy = soma_scratch_reserve(&strip_scratch, rows * block->depth);
    if (copy == NULL) { return (soma_strip){0}; }
    for (long k = 0; k < block->depth; k++) {
        const float *from = a + k * p->a_depth;
        if (p->a_row == 1) {
            memcpy(copy + k * rows, from, (size_t)rows * sizeof(float));
        } else {
            for (long i = 0; i < rows; i++) { copy[k * rows + i] = from[i * p->a_row]; }
        }
    }
    return (soma_strip){copy, 1, rows};
}

/// All tiles of the given rows and panels. The rows are shared out evenly among the strips, so that none is thin.
static void run_tiles(const block *block, const soma_strip *source, long rows, long row, long first_panel, long end_panel) {
    const soma_matmul *p = &block->plan->product;
    long strips = ceiling(rows, block->kernels->rows);
    for (long panel = first_panel; panel < end_panel; panel++) {
        long columns = panel_columns(block, panel);
        bool packed = is_packed(block, panel);
        const float *b = packed ? block->panels + panel * block->width * block->depth : block->b + panel * block->width;
        long b_step = packed ? block->width : p->b_depth;
        int vectors = columns > block->kernels->lanes ? 2 : 1;
        for (long strip = 0; strip < strips; strip++) {
            long begin = rows * strip / strips, end = rows * (strip + 1) / strips;
            soma_strip a = {source->a + begin * source->row, source->row, source->step};
            soma_tile_target target = {block->c + (row + begin) * p->c_row + panel * block->width * p->c_column,
                                       p->c_row, p->c_column, columns, block->accumulate};
            block->kernels->tiles[end - begin - 1][vectors - 1](block->depth, &a, b, b_step, &target);
        }
    }
}

static void run_cells(long begin, long end, int part, void *context) {
    const block *block = context;
    const soma_matmul_plan *plan = block->plan;
    const soma_matmul *p = &plan->product;
    long panels = ceiling(block->columns, block->width);
    for (long cell = begin; cell < end; cell++) {
        long row_cell = cell / plan->column_parts, column_cell = cell % plan->column_parts;
        long row = p->rows * row_cell / plan->row_parts, end_row = p->rows * (row_cell + 1) / plan->row_parts;
        long panel = panels * column_cell / plan->column_parts, end_panel = panels * (column_cell + 1) / plan->column_parts;
        // One row of cells: nobody else needs these panels.
        if (plan->row_parts == 1) { pack_panels(panel, end_panel, part, context); }
        while (row < end_row && panel < end_panel) {
            long rows = smaller(plan->packs_a || block->epilogue != NULL ? plan->row_block : end_row - row, end_row - row);
            const float *a = block->a + row * p->a_row;
            soma_strip source = plan->packs_a ? pack_rows(block, a, rows) : (soma_strip){a, p->a_row, p->a_depth};
            if (source.a == NULL) {
                atomic_store(block->failed, true);
                return;
            }
            run_tiles(block, &source, rows, row, panel, end_panel);
            const soma_epilogue *epilogue = block->epilogue;
            if (epilogue != NULL && !soma_nest_run_span(epilogue->nest, epilogue->bindings, row * p->columns, (row + rows) * p->columns)) {
                atomic_store(block->failed, true);
            }
            row += rows;
        }
    }
}

static bool run_one(const soma_matmul_plan *plan, const soma_level *level, const float *a, const float *b, float *c, const soma_epilogue *epilogue) {
    const soma_matmul *p = &plan->product;
    long width = 2 * level->lanes;
    float *panels = soma_scratch_reserve(&panel_scratch, ceiling(plan->column_block, width) * width * plan->depth_block);
    if (panels == NULL) { return false; }
    atomic_bool failed = false;
    for (long column = 0; column < p->columns; column += plan->column_block) {
        // A depth of 0 takes the one turn that clears C.
        for (long step = 0; step == 0 || step < p->depth; step += plan->depth_block) {
            block block = {
                .plan = plan, .kernels = &level->matmul, .width = width, .panels = panels,
                .a = a + step * p->a_depth, .b = b + step * p->b_depth + column * p->b_column, .c = c + column * p->c_column,
                .depth = smaller(plan->depth_block, p->depth - step),
                .columns = smaller(plan->column_block, p->columns - column),
                .accumulate = p->accumulate || step > 0, .failed = &failed,
                .epilogue = step + plan->depth_block >= p->depth ? epilogue : NULL,
            };
            long panel_count = ceiling(block.columns, width);
            bool packs = plan->packs_b || block.columns % width != 0;
            if (packs && plan->row_parts > 1) { soma_parallel_for(panel_count, 1, pack_panels, &block); }
            soma_parallel_for(plan->row_parts * plan->column_parts, 1, run_cells, &block);
        }
    }
    return !atomic_load(&failed);
}

/// A row times a matrix.
typedef struct row_run {
    const soma_matmul *product;
    const soma_matmul_kernels *kernels;
    const float *x, *b;
    float *y;
} row_run;

static void run_columns(long begin, long end, int part, void *context) {
    (void)part;
    const row_run *run = context;
    const soma_matmul *p = run->product;
    // Parts are whole vectors, so that rounding does not depend on the number of threads.
    begin = smaller(begin * 64, p->columns), end = smaller(end * 64, p->columns);
    const float *b = run->b + begin * p->b_column;
    if (p->b_column == 1) {
        run->kernels->row_times_rows(end - begin, p->depth, run->x, b, p->b_depth, run->y + begin, p->accumulate);
    } else {
        run->kernels->row_times_columns(end - begin, p->depth, run->x, b, p->b_column, run->y + begin, p->accumulate);
    }
}

/// Runs a product of one row without packing; false where its layout does not allow that.
static bool run_row(const soma_matmul *p, const soma_level *level, const float *a, const float *b, float *c) {
    if (p->rows != 1 || p->c_column != 1 || (p->b_column != 1 && p->b_depth != 1)) { return false; }
    if (p->a_depth != 1) {
        float *copy = soma_scratch_reserve(&strip_scratch, p->depth);
        if (copy == NULL) { return false; }
        for (long k = 0; k < p->depth; k++) { copy[k] = a[k * p->a_depth]; }
        a = copy;
    }
    row_run run = {p, &level->matmul, a, b, c};
    soma_parallel_for(ceiling(p->columns, 64), 1 + 1024 / (p->depth + 1), run_columns, &run);
    return true;
}

soma_matmul soma_matmul_exchanged(const soma_matmul *p) {
    soma_matmul q = *p;
    q.rows = p->columns, q.columns = p->rows;
    q.a_row = p->b_column, q.a_depth = p->b_depth, q.a_batch = p->b_batch;
    q.b_depth = p->a_depth, q.b_column = p->a_row, q.b_batch = p->a_batch;
    q.c_row = p->c_column, q.c_column = p->c_row;
    return q;
}

/// Runs one product, and `epilogue` by the rows that are done.
static bool run_product(const soma_matmul *p, const soma_matmul_plan *plan, const soma_level *level, const float *a, const float *b, float *c,
                        const soma_epilogue *epilogue) {
    if (p->rows == 1 && run_row(p, level, a, b, c)) { return true; }
    if (p->columns == 1) {
        soma_matmul exchanged = soma_matmul_exchanged(p);
        if (run_row(&exchanged, level, b, a, c)) { return true; }
    }
    return plan->swapped ? run_one(plan, level, b, a, c, NULL) : run_one(plan, level, a, b, c, epilogue);
}

/// Whether a thread that is done with rows of C is done with all of their columns.
static bool finishes_rows(const soma_matmul *p, const soma_matmul_plan *plan, const soma_epilogue *epilogue) {
    return p->batch == 1 && p->rows > 1 && p->columns > 1 && !plan->swapped && plan->column_parts == 1 && p->columns <= plan->column_block
        && soma_nest_takes_spans(epilogue->nest, p->columns);
}

/// Products of a batch, each computed by one thread.
typedef struct batch_run {
    const soma_matmul *product;
    const soma_matmul_plan *plan;
    const soma_level *level;
    const float *a, *b;
    float *c;
    const soma_epilogue *epilogue;
    atomic_bool failed;
} batch_run;

static void run_members(long begin, long end, int part, void *context) {
    (void)part;
    batch_run *run = context;
    const soma_matmul *p = run->product;
    for (long i = begin; i < end; i++) {
        if (!run_product(p, run->plan, run->level, run->a + i * p->a_batch, run->b + i * p->b_batch, run->c + i * p->c_batch,
                         run->epilogue)) {
            atomic_store(&run->failed, true);
        }
    }
}

bool soma_matmul_run_with(const soma_matmul *product, const float *a, const float *b, float *c, const soma_epilogue *epilogue) {
    const soma_level *level = soma_level_current();
    int team = soma_team_size();
    // A second thread is not worth waking for less.
    long least = 400000 / (product->depth + 1), count = product->rows * product->columns;
    // Where every thread has as many products as the others, or nearly so, none need wait for another within one.
    bool is_shared = product->batch > 1 && (count < least || product->batch % team == 0 || product->batch >= 4 * team);
    soma_matmul_plan plan = soma_matmul_plan_for(product, level, is_shared || count < least ? 1 : team);
    const bool by_rows = epilogue != NULL && finishes_rows(product, &plan, epilogue);
    batch_run run = {.product = product, .plan = &plan, .level = level, .a = a, .b = b, .c = c, .epilogue = by_rows ? epilogue : NULL};
    if (is_shared) {
        soma_parallel_for(product->batch, 1 + least / larger(1, count), run_members, &run);
    } else {
        run_members(0, product->batch, 0, &run);
    }
    if (epilogue != NULL && !by_rows && !soma_nest_run(epilogue->nest, epilogue->bindings)) { return false; }
    return !atomic_load(&run.failed);
}

bool soma_matmul_run(const soma_matmul *product, const float *a, const float *b, float *c) {
    return soma_matmul_run_with(product, a, b, c, NULL);
}
