#include "soma_recurrence.h"

#include "levels.h"
#include "scratch.h"
#include "soma_team.h"
#include <string.h>

// Each thread takes some rows of the batch and walks time alone, so threads never wait for each other. The recurrent weight lies in panels, two
// vectors of units wide: of the forward pass one for each gate, so that a cell finds its gates side by side.

typedef struct recurrence_run {
    const soma_recurrence *recurrence;
    const soma_recurrence_pass *pass;
    const soma_recurrence_gradient *gradient;
    const soma_level *level;
    long gates, width, blocks;  ///< G, units of a panel, and how many panels the units take.
    float *panels;
    bool lacks_memory;
} recurrence_run;

static _Thread_local soma_scratch panel_scratch, scratch;

static long smaller(long a, long b) { return a < b ? a : b; }

static long gates_of(soma_cell cell) { return cell == soma_cell_lstm ? 4 : cell == soma_cell_gru ? 3 : 1; }

static recurrence_run run_of(const soma_recurrence *recurrence) {
    const soma_level *level = soma_level_current();
    const long width = 2 * level->lanes;
    return (recurrence_run){
        .recurrence = recurrence, .level = level, .gates = gates_of(recurrence->cell), .width = width,
        .blocks = (recurrence->units + width - 1) / width,
    };
}

/// C = A B for all rows, B a panel, C `width` wide.
static void product(const recurrence_run *run, long rows, long depth, const float *a, long a_row, const float *panel, float *c, long c_row) {
    const soma_matmul_kernels *kernels = &run->level->matmul;
    // Even strips: the last would else be too thin to hide the latency of its sums.
    const long strips = (rows + kernels->rows - 1) / kernels->rows, height = (rows + strips - 1) / strips;
    for (long row = 0; row < rows; row += height) {
        const soma_strip strip = {a + row * a_row, a_row, 1};
        const soma_tile_target target = {c + row * c_row, c_row, 1, run->width, false};
        kernels->tiles[smaller(height, rows - row) - 1][1](depth, &strip, panel, run->width, &target);
    }
}

/// Which step comes at an index of the walk, and which was before it; -1 for none.
static long step_at(const soma_recurrence *r, long index) { return r->is_reversed ? r->steps - 1 - index : index; }

static bool is_own(const int32_t *lengths, long row, long step) { return lengths == NULL || step < lengths[row]; }

// Forward

static void pack_forward(long begin, long end, int part, void *context) {
    (void)part;
    recurrence_run *run = context;
    const long units = run->recurrence->units;
    for (long item = begin; item < end; item++) {
        const long block = item / run->gates, gate = item % run->gates, first = block * run->width;
        run->level->matmul.pack_panel(run->panels + item * units * run->width, run->width, units, smaller(run->width, units - first),
                                      run->pass->u + (gate * units + first) * units, 1, units);
    }
}

/// Asks for what the cells of a block read and write from memory, while its products are computed.
static void prefetch_block(const recurrence_run *run, long step, long begin, long rows, long first) {
    const soma_recurrence *r = run->recurrence;
    for (long row = 0; row < rows; row++) {
        const long place = (step * r->batch + begin + row) * run->gates * r->units + first;
        for (long gate = 0; gate < run->gates; gate++) {
            const long at = place + gate * r->units;
            for (long j = 0; j < smaller(run->width, r->units - first); j += 16) {
                __builtin_prefetch(run->pass->gx + at + j);
                if (run->pass->gates != NULL) { __builtin_prefetch(run->pass->gates + at + j, 1); }
            }
        }
    }
}

static void forward_rows(long begin, long end, int part, void *context) {
    (void)part;
    recurrence_run *run = context;
    const soma_recurrence *r = run->recurrence;
    const soma_recurrence_pass *pass = run->pass;
    const long rows = end - begin, units = r->units, gates = run->gates, state = rows * units, c_row = gates * run->width;
    float *memory = soma_scratch_reserve(&scratch, 4 * state + rows * c_row);
    if (memory == NULL) {
        __atomic_store_n(&run->lacks_memory, true, __ATOMIC_RELAXED);
        return;
    }
    float *h = memory, *next_h = h + state, *c = next_h + state, *next_c = c + state, *products = next_c + state;
    memcpy(h, pass->h0 + begin * units, sizeof(float) * state);
    if (pass->c0 != NULL) { memcpy(c, pass->c0 + begin * units, sizeof(float) * state); }
    for (long index = 0; index < r->steps; index++) {
        const long step = step_at(r, index);
        for (long block = 0; block < run->blocks; block++) {
            const long first = block * run->width;
            prefetch_block(run, step, begin, rows, first);
            for (long gate = 0; gate < gates; gate++) {
                product(run, rows, units, h, units, run->panels + (block * gates + gate) * units * run->width, products + gate * run->width, c_row);
            }
            for (long row = 0; row < rows; row++) {
                const long place = (step * r->batch + begin + row), own = row * units + first;
                const recurrence_cell cell = {
                    .count = smaller(run->width, units - first), .units = units, .gx = pass->gx + place * gates * units + first,
                    .products = products + row * c_row, .product_stride = run->width, .bias = pass->bias == NULL ? NULL : pass->bias + first,
                    .h = h + own, .c = c + own, .next_h = next_h + own, .next_c = next_c + own,
                    .gates = pass->gates == NULL ? NULL : pass->gates + place * gates * units + first,
                    .inner = pass->inner == NULL || r->cell != soma_cell_gru ? NULL : pass->inner + place * units + first,
                };
                run->level->recurrence.cell(r->cell, &cell);
            }
        }
        for (long row = 0; row < rows; row++) {
            const long place = (step * r->batch + begin + row) * units, own = row * units;
            const bool counts = is_own(pass->lengths, begin + row, step);
            if (!counts) {
                memcpy(next_h + own, h + own, sizeof(float) * units);
                if (pass->c0 != NULL) { memcpy(next_c + own, c + own, sizeof(float) * units); }
                memset(pass->y + place, 0, sizeof(float) * units);
            } else {
                memcpy(pass->y + place, next_h + own, sizeof(float) * units);
            }
            if (pass->inner != NULL && r->cell == soma_cell_lstm) { memcpy(pass->inner + place, next_c + own, sizeof(float) * units); }
        }
        float *last_h = h, *last_c = c;
        (h = next_h, next_h = last_h, c = next_c, next_c = last_c);
    }
    memcpy(pass->h + begin * units, h, sizeof(float) * state);
    if (pass->c != NULL) { memcpy(pass->c + begin * units, c, sizeof(float) * state); }
}

bool soma_recurrence_run(const soma_recurrence *recurrence, const soma_recurrence_pass *pass) {
    recurrence_run run = run_of(recurrence);
    run.pass = pass;
    const long panel = recurrence->units * run.width;
    run.panels = soma_scratch_reserve(&panel_scratch, run.blocks * run.gates * panel);
    if (run.panels == NULL) { return false; }
    soma_parallel_for(run.blocks * run.gates, 1 + 32768 / panel, pack_forward, &run);
    soma_parallel_for(recurrence->batch, 4, forward_rows, &run);
    return !run.lacks_memory;
}

// Gradient

static void pack_gradient(long begin, long end, int part, void *context) {
    (void)part;
    recurrence_run *run = context;
    const long units = run->recurrence->units, depth = run->gates * units;
    for (long block = begin; block < end; block++) {
        const long first = block * run->width;
        run->level->matmul.pack_panel(run->panels + block * depth * run->width, run->width, depth, smaller(run->width, units - first),
                                      run->gradient->u + first, units, 1);
    }
}

static void gradient_rows(long begin, long end, int part, void *context) {
    (void)part;
    recurrence_run *run = context;
    const soma_recurrence *r = run->recurrence;
    const soma_recurrence_gradient *g = run->gradient;
    const long rows = end - begin, units = r->units, gates = run->gates, state = rows * units;
    const bool has_products = r->cell == soma_cell_gru;
    float *memory = soma_scratch_reserve(&scratch, 2 * state + rows * run->width + (has_products ? gates * state : 0));
    if (memory == NULL) {
        __atomic_store_n(&run->lacks_memory, true, __ATOMIC_RELAXED);
        return;
    }
    float *dh = memory, *dc = dh + state, *sums = dc + state, *products = sums + rows * run->width;
    memcpy(dh, g->gh + begin * units, sizeof(float) * state);
    if (g->gc != NULL) { memcpy(dc, g->gc + begin * units, sizeof(float) * state); }
    for (long index = r->steps - 1; index >= 0; index--) {
        const long step = step_at(r, index), before = index == 0 ? -1 : step_at(r, index - 1);
        float *dgx = g->dgx + (step * r->batch + begin) * gates * units;
        for (long row = 0; row < rows; row++) {
            const long place = (step * r->batch + begin + row) * units, own = row * units;
            if (!is_own(g->lengths, begin + row, step)) {
                memset(dgx + row * gates * units, 0, sizeof(float) * gates * units);
                if (has_products) { memset(products + row * gates * units, 0, sizeof(float) * gates * units); }
                continue;
            }
            for (long j = 0; j < units; j++) { dh[own + j] += g->gy[place + j]; }
            const bool is_first = before < 0 || !is_own(g->lengths, begin + row, before);
            const long previous = (before * r->batch + begin + row) * units, initial = (begin + row) * units;
            const recurrence_cell_gradient cell = {
                .count = units, .units = units, .gates = g->gates == NULL ? NULL : g->gates + place * gates,
                .inner = g->inner == NULL ? NULL : g->inner + place, .previous_h = is_first ? g->h0 + initial : g->y + previous,
                .previous_c = r->cell != soma_cell_lstm ? NULL : is_first ? g->c0 + initial : g->inner + previous, .h = g->y + place,
                .dh = dh + own, .dc = dc + own, .dgx = dgx + row * gates * units, .products = products + row * gates * units,
            };
            run->level->recurrence.gradient(r->cell, &cell);
        }
        const float *a = has_products ? products : dgx;
        for (long block = 0; block < run->blocks; block++) {
            const long first = block * run->width, count = smaller(run->width, units - first);
            product(run, rows, gates * units, a, gates * units, run->panels + block * gates * units * run->width, sums, run->width);
            for (long row = 0; row < rows; row++) {
                for (long j = 0; j < count; j++) { dh[row * units + first + j] += sums[row * run->width + j]; }
            }
        }
    }
    memcpy(g->dh0 + begin * units, dh, sizeof(float) * state);
    if (g->dc0 != NULL) { memcpy(g->dc0 + begin * units, dc, sizeof(float) * state); }
}

bool soma_recurrence_run_gradient(const soma_recurrence *recurrence, const soma_recurrence_gradient *gradient) {
    recurrence_run run = run_of(recurrence);
    run.gradient = gradient;
    const long panel = run.gates * recurrence->units * run.width;
    run.panels = soma_scratch_reserve(&panel_scratch, run.blocks * panel);
    if (run.panels == NULL) { return false; }
    soma_parallel_for(run.blocks, 1 + 32768 / panel, pack_gradient, &run);
    soma_parallel_for(recurrence->batch, 4, gradient_rows, &run);
    return !run.lacks_memory;
}
