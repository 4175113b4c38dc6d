#include "matmul_plan.h"

#include "counts.h"
#include <float.h>

/// Cycles for the busiest thread's part of C, where a vector multiply-add is one. A step cannot take less than 5: that long a
/// multiply-add waits for its own last result.
static double compute_cost(const soma_matmul *p, const soma_level *level, int row_parts, int column_parts) {
    long rows = ceiling(p->rows, row_parts);
    long strips = ceiling(rows, level->matmul.rows);
    long panels = ceiling(ceiling(p->columns, 2 * level->lanes), column_parts);
    long vectors = smaller(2 * panels, ceiling(p->columns, level->lanes));
    double step = larger(vectors * rows, strips * panels * 5);
    return step * (double)p->depth;
}

/// Whether a strip of A is copied before so many panels pass by it. Rows that lie a multiple of the first-level cache's ways apart drive each
/// other out of it, and steps that lie apart are each on a page of their own.
static bool packs_rows(const soma_matmul *p, long panels) {
    bool is_awkward = p->a_depth == 1 ? p->a_row % 512 == 0 : p->a_depth >= 256;
    return panels >= (is_awkward ? 2 : 6);
}

/// Cycles a thread spends to copy its rows of A.
static double packing_cost(const soma_matmul *p, const soma_level *level, int row_parts, int column_parts) {
    long panels = ceiling(ceiling(p->columns, 2 * level->lanes), column_parts);
    return packs_rows(p, panels) ? 0.5 * (double)ceiling(p->rows, row_parts) * (double)p->depth : 0;
}

/// Cycles that waking the team once more takes.
static const double waking = 5000;

/// Cycles a thread spends to copy its share of B's panels and to write its share of C.
static double transfer_cost(const soma_matmul *p, const soma_level *level, int threads) {
    double element = p->b_column == 1 ? 0.25 : p->b_depth == 1 ? 0.6 : 2;
    double packing = p->rows <= level->matmul.rows && p->b_column == 1 ? 0 : element * (double)p->columns * (double)p->depth;
    double writing = (p->c_column == 1 ? 0.1 : p->c_row == 1 ? 0.5 : 1.5) * (double)p->rows * (double)p->columns;
    return (packing + writing) / threads;
}

typedef struct cut { int row_parts, column_parts; double cost; } cut;

static cut best_cut(const soma_matmul *p, const soma_level *level, int threads) {
    cut best = {1, threads, DBL_MAX};
    for (int parts = 1; parts <= threads; parts++) {
        if (threads % parts != 0) { continue; }
        double cost = compute_cost(p, level, parts, threads / parts) + packing_cost(p, level, parts, threads / parts)
            + (parts > 1 ? waking : 0);
        if (cost < best.cost) { best = (cut){parts, threads / parts, cost}; }
    }
    best.cost += transfer_cost(p, level, threads);
    return best;
}

/// Cuts `length` into equal pieces of at most `most`, each a multiple of `unit`.
static long even_block(long length, long most, long unit) {
    if (length <= most) { return length; }
    return larger(unit, ceiling(ceiling(length, ceiling(length, most)), unit) * unit);
}

soma_matmul_plan soma_matmul_plan_for(const soma_matmul *product, const soma_level *level, int threads) {
    soma_matmul other = soma_matmul_exchanged(product);
    cut straight = best_cut(product, level, threads), crossed = best_cut(&other, level, threads);
    bool swapped = crossed.cost < straight.cost;
    cut cut = swapped ? crossed : straight;
    soma_matmul_plan plan = {.product = swapped ? other : *product, .swapped = swapped,
                             .row_parts = cut.row_parts, .column_parts = cut.column_parts};
    const soma_matmul *p = &plan.product;
    long width = 2 * level->lanes;
    plan.depth_block = larger(1, even_block(p->depth, 1024, 16));
    plan.row_block = larger(level->matmul.rows, 65536 / larger(1, plan.depth_block));
    plan.column_block = even_block(p->columns, larger(width, 1048576 / larger(1, plan.depth_block)), width);
    plan.packs_b = p->b_column != 1 || p->rows > level->matmul.rows;
    long panels = ceiling(smaller(plan.column_block, p->columns), width) / cut.column_parts;
    plan.packs_a = packs_rows(p, panels);
    return plan;
}
