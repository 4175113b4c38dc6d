#include "nest.h"

#include "counts.h"
#include "scratch.h"
#include "soma_team.h"
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/// A run: an item is a block of columns of a line, and a piece of the walk.
typedef struct columns_run {
    const soma_nest *nest;
    const soma_bindings *bindings;
    long blocks;               // of columns, in a line
    long pieces;               // of the walk
    char *partial;             // of each item: what its reductions came to
    atomic_bool failed;
} columns_run;

/// Long chains of float additions lose accuracy, so a sum is kept in three registers: so many go into the first before it is
/// added to the second, and as many of these before that is added to the third.
enum { chain = 32, levels = 3 };

static bool is_sum(const soma_reduction *reduction) { return reduction->function == SOMA_SUM && reduction->type == SOMA_FLOAT32; }
static bool is_argument(const soma_reduction *reduction) { return reduction->function >= SOMA_ARGMAX; }

/// Bytes of one of a reduction's registers, and of them all. An index of int32 has one of its own.
static long register_bytes(const soma_nest *nest) { return nest->block * 8; }
static long reduction_bytes(const soma_nest *nest) { return levels * register_bytes(nest); }

/// Bytes that keep what a reduction of a piece came to: its values, and the indices of an extreme.
static long result_bytes(const soma_nest *nest) { return 2 * register_bytes(nest); }

long soma_nest_reduction_bytes(long block, int reduction_count) { return reduction_count * levels * block * 8; }

typedef struct walk {
    nest_frame frame;
    long first_column, columns;
    char *registers;           // of all reductions
} walk;

static char *reduction_register(const walk *walk, int reduction, int level) {
    return walk->registers + reduction * reduction_bytes(walk->frame.nest) + level * register_bytes(walk->frame.nest);
}

/// Whether the operand takes part now: `number` is the walk that moves it, or -1 for those that stand still.
static bool takes_part(const soma_operand *operand, int number) {
    return operand->is_moving == (number >= 0) && (number < 0 || (operand->walks >> number & 1) != 0);
}

/// Copies a line's columns side by side as often as a block has them.
static void load_tiled(walk *walk, const soma_operand *operand, char *address) {
    const soma_nest *nest = walk->frame.nest;
    char *tile = walk->frame.values[operand->value];
    long bytes = nest->width * soma_type_size(operand->type);
    nest_stride(operand, address, 0, operand->stride, nest->width, tile);
    for (long copy = 1; copy < nest->fold; copy++) { memcpy(tile + copy * bytes, tile, (size_t)bytes); }
}

/// Brings operands into place; `offsets` tells how far each has moved.
static void load_operands(walk *walk, int number, const long *offsets) {
    nest_frame *frame = &walk->frame;
    const soma_nest *nest = frame->nest;
    for (int o = 0; o < nest->operand_count; o++) {
        const soma_operand *operand = &nest->operands[o];
        if (!takes_part(operand, number)) { continue; }
        long element = (number >= 0 ? offsets[o] : 0) + (operand->reach == SOMA_REACH_SINGLE ? 0 : walk->first_column * operand->stride);
        char *address = operand->is_index ? NULL : frame->starts[o] + element * soma_type_size(operand->type);
        if (operand->reach == SOMA_REACH_TILED) {
            load_tiled(walk, operand, address);
        } else if (!operand->is_index && operand->reach != SOMA_REACH_STRIDED) {
            frame->values[operand->value] = address;
        } else if (!operand->is_store) {
            long count = operand->reach == SOMA_REACH_SINGLE ? 1 : walk->columns;
            nest_stride(operand, address, frame->first_index[o] + element, operand->stride, count, frame->values[operand->value]);
        }
    }
}

static void store_operands(walk *walk, int number, const long *offsets) {
    nest_frame *frame = &walk->frame;
    const soma_nest *nest = frame->nest;
    for (int o = 0; o < nest->operand_count; o++) {
        const soma_operand *operand = &nest->operands[o];
        if (!operand->is_store || !takes_part(operand, number) || operand->reach != SOMA_REACH_STRIDED) { continue; }
        long element = (number >= 0 ? offsets[o] : 0) + walk->first_column * operand->stride;
        nest_stride(operand, frame->starts[o] + element * soma_type_size(operand->type), 0, operand->stride, walk->columns,
                    frame->values[operand->value]);
    }
}

static void copy_block(const walk *walk, const soma_reduction *reduction, char *to, const char *from) {
    memcpy(to, from, (size_t)(walk->columns * soma_type_size(reduction->type)));
}

/// Adds `from` to a register, or lays it down there if the register is fresh.
static void add_block(const walk *walk, const soma_reduction *reduction, char *to, const char *from, bool fresh) {
    if (fresh) { copy_block(walk, reduction, to, from); } else { reduction->combine(walk->columns, to, to, from, NULL); }
}

/// Takes element number `place` of every column in, the `done`-th of this piece.
static void reduce_step(const walk *walk, int r, const char *x, long place, long done) {
    const soma_reduction *reduction = &walk->frame.nest->reductions[r];
    char *total = reduction_register(walk, r, 0);
    if (is_argument(reduction)) {
        int32_t *index = (int32_t *)reduction_register(walk, r, 1);
        if (done > 0) {
            reduction->add_columns(walk->columns, total, index, x, place);
        } else {
            copy_block(walk, reduction, total, x);
            for (long i = 0; i < walk->columns; i++) { index[i] = (int32_t)place; }
        }
    } else if (!is_sum(reduction)) {
        add_block(walk, reduction, total, x, done == 0);
    } else {
        add_block(walk, reduction, total, x, done % chain == 0);
        if ((done + 1) % chain != 0) { return; }
        add_block(walk, reduction, reduction_register(walk, r, 1), total, done / chain % chain == 0);
        if ((done / chain + 1) % chain != 0) { return; }
        add_block(walk, reduction, reduction_register(walk, r, 2), reduction_register(walk, r, 1), done / chain / chain == 0);
    }
}

/// Joins the registers of a sum of `count` elements in its first one.
static void collect_sum(const walk *walk, int r, long count) {
    const soma_reduction *reduction = &walk->frame.nest->reductions[r];
    if (!is_sum(reduction)) { return; }
    char *total = reduction_register(walk, r, 0);
    bool empty = count % chain == 0;
    if (count / chain % chain != 0) {
        add_block(walk, reduction, total, reduction_register(walk, r, 1), empty);
        empty = false;
    }
    if (count / chain / chain != 0) { add_block(walk, reduction, total, reduction_register(walk, r, 2), empty); }
}

static void run_instructions(walk *walk, int phase, long place, long done) {
    const soma_nest *nest = walk->frame.nest;
    for (int k = 0; k < nest->instruction_count; k++) {
        const soma_instruction *instruction = &nest->instructions[k];
        if (instruction->phase != phase) { continue; }
        if (instruction->reduction < 0) {
            nest_execute(nest, walk->frame.values, instruction, walk->columns);
        } else {
            reduce_step(walk, instruction->reduction, walk->frame.values[instruction->a], place, done);
        }
    }
}

/// Walks the inner domain from `first` to `end`, keeping for every operand how far it has moved.
static void run_walk(walk *walk, int number, long first, long end) {
    const soma_nest *nest = walk->frame.nest;
    long coordinates[16], offsets[nest->operand_count], rest = first;
    memset(offsets, 0, sizeof offsets);
    for (int axis = nest->inner_rank - 1; axis >= 0; axis--) {
        coordinates[axis] = rest % nest->inner_extents[axis];
        rest /= nest->inner_extents[axis];
        for (int o = 0; o < nest->operand_count; o++) { offsets[o] += coordinates[axis] * nest->operands[o].inner_strides[axis]; }
    }
    for (long place = first; place < end; place++) {
        load_operands(walk, number, offsets);
        run_instructions(walk, SOMA_PHASE_BLOCK + 2 * number, place, place - first);
        store_operands(walk, number, offsets);
        for (int axis = nest->inner_rank - 1; axis >= 0; axis--) {
            bool carries = ++coordinates[axis] == nest->inner_extents[axis];
            for (int o = 0; o < nest->operand_count; o++) {
                offsets[o] += (carries ? 1 - nest->inner_extents[axis] : 1) * nest->operands[o].inner_strides[axis];
            }
            if (!carries) { break; }
            coordinates[axis] = 0;
        }
    }
    for (int k = 0; k < nest->instruction_count; k++) {
        const soma_instruction *instruction = &nest->instructions[k];
        if (instruction->reduction >= 0 && instruction->phase == SOMA_PHASE_BLOCK + 2 * number) {
            collect_sum(walk, instruction->reduction, end - first);
        }
    }
}

/// Combines the results of the steps that a block took at once.
static void fold_steps(walk *walk) {
    const soma_nest *nest = walk->frame.nest;
    for (int r = 0; r < nest->reduction_count; r++) {
        const soma_reduction *reduction = &nest->reductions[r];
        char *total = reduction_register(walk, r, 0);
        long bytes = nest->width * soma_type_size(reduction->type);
        for (long steps = nest->fold; steps > 1; steps = (steps + 1) / 2) {
            // Of an odd number the one in the middle stays.
            reduction->combine(nest->width * (steps / 2), total, total, total + (steps + 1) / 2 * bytes, NULL);
        }
    }
    walk->columns = nest->width;
}

/// Hands the complete reductions of a walk to the instructions that wait for them.
static void finish_walk(walk *walk, int number) {
    const soma_nest *nest = walk->frame.nest;
    if (nest->fold > 1) { fold_steps(walk); }
    for (int k = 0; k < nest->instruction_count; k++) {
        const soma_instruction *instruction = &nest->instructions[k];
        int r = instruction->reduction;
        if (r < 0 || instruction->phase != SOMA_PHASE_BLOCK + 2 * number) { continue; }
        walk->frame.values[instruction->out] = reduction_register(walk, r, is_argument(&nest->reductions[r]) ? 1 : 0);
    }
    run_instructions(walk, SOMA_PHASE_AFTER + 2 * number, 0, 0);
}

/// Opens the walk over item's columns, its line's instructions done.
static void open_item(walk *walk, const columns_run *run, long item) {
    const soma_nest *nest = run->nest;
    long columns = item / run->pieces;
    nest_go_to_line(&walk->frame, columns / run->blocks);
    long width = nest->width * nest->fold;
    walk->first_column = columns % run->blocks * nest->block;
    walk->columns = width - walk->first_column < nest->block ? width - walk->first_column : nest->block;
    load_operands(walk, -1, NULL);
    run_instructions(walk, SOMA_PHASE_LINE, 0, 0);
}

static bool open_walk(walk *walk, columns_run *run) {
    if (nest_frame_open(&walk->frame, run->nest, run->bindings)) {
        walk->registers = walk->frame.scratch + run->nest->reduction_place;
        return true;
    }
    atomic_store(&run->failed, true);
    return false;
}

/// Keeps what the reductions of a piece came to, or brings it back.
static void move_results(const walk *walk, char *kept, bool keeps) {
    const soma_nest *nest = walk->frame.nest;
    for (int r = 0; r < nest->reduction_count; r++, kept += result_bytes(nest)) {
        for (int level = 0; level < (is_argument(&nest->reductions[r]) ? 2 : 1); level++) {
            char *own = reduction_register(walk, r, level), *other = kept + level * register_bytes(nest);
            memcpy(keeps ? other : own, keeps ? own : other, (size_t)(walk->columns * (level ? 4 : soma_type_size(nest->reductions[r].type))));
        }
    }
}

static void run_items(long begin, long end, int part, void *context) {
    (void)part;
    columns_run *run = context;
    const soma_nest *nest = run->nest;
    walk walk;
    if (!open_walk(&walk, run)) { return; }
    for (long item = begin; item < end; item++) {
        long piece = item % run->pieces;
        open_item(&walk, run, item);
        if (run->partial != NULL) {
            run_walk(&walk, 0, nest->inner_count * piece / run->pieces, nest->inner_count * (piece + 1) / run->pieces);
            move_results(&walk, run->partial + item * nest->reduction_count * result_bytes(nest), true);
            continue;
        }
        for (int number = 0; number < nest->walk_count; number++) {
            run_walk(&walk, number, 0, nest->inner_count);
            finish_walk(&walk, number);
        }
        store_operands(&walk, -1, NULL);
    }
}

/// Merges the registers of a later piece into the walk's own.
static void merge_piece(const walk *walk, const char *later) {
    const soma_nest *nest = walk->frame.nest;
    for (int r = 0; r < nest->reduction_count; r++) {
        const soma_reduction *reduction = &nest->reductions[r];
        const char *other = later + r * result_bytes(nest);
        if (!is_argument(reduction)) {
            reduction->combine(walk->columns, reduction_register(walk, r, 0), reduction_register(walk, r, 0), other, NULL);
            continue;
        }
        // One column at a time: every column has a place of its own.
        int32_t *index = (int32_t *)reduction_register(walk, r, 1);
        const int32_t *other_index = (const int32_t *)(other + register_bytes(nest));
        int size = soma_type_size(reduction->type);
        for (long i = 0; i < walk->columns; i++) {
            reduction->add_columns(1, reduction_register(walk, r, 0) + i * size, index + i, other + i * size, other_index[i]);
        }
    }
}

static void join_pieces(long begin, long end, int part, void *context) {
    (void)part;
    columns_run *run = context;
    const soma_nest *nest = run->nest;
    long bytes = nest->reduction_count * result_bytes(nest);
    walk walk;
    if (!open_walk(&walk, run)) { return; }
    for (long block = begin; block < end; block++) {
        open_item(&walk, run, block * run->pieces);
        move_results(&walk, run->partial + block * run->pieces * bytes, false);
        for (long piece = 1; piece < run->pieces; piece++) { merge_piece(&walk, run->partial + (block * run->pieces + piece) * bytes); }
        finish_walk(&walk, 0);
        store_operands(&walk, -1, NULL);
    }
}

/// How many pieces a walk is cut into: whatever width the blocks have, which is chosen for the team, no more than the narrowest would need.
long soma_nest_pieces(const soma_nest *nest) {
    long width = nest->width * nest->fold, blocks = nest->line_count * (nest->fold > 1 ? 1 : ceiling(nest->width, SOMA_NARROWEST_BLOCK));
    if (nest->reduction_count == 0 || nest->walk_count > 1 || blocks == 0) { return 1; }
    // Few steps repay no more sums to add up, and few elements no other thread.
    long most = smaller(nest->inner_count / 64, nest->inner_count * width / nest->grain);
    return larger(1, smaller(ceiling(nest_pieces, blocks), most));
}

bool nest_run_by_columns(const soma_nest *nest, const soma_bindings *bindings) {
    static _Thread_local soma_scratch scratch;
    long blocks = ceiling(nest->width * nest->fold, nest->block), items = nest->line_count * blocks;
    columns_run run = {.nest = nest, .bindings = bindings, .blocks = blocks, .pieces = soma_nest_pieces(nest)};
    if (run.pieces > 1) {
        run.partial = (char *)soma_scratch_reserve(&scratch, items * run.pieces * nest->reduction_count * result_bytes(nest) / (long)sizeof(float));
        if (run.partial == NULL) { return false; }
    }
    long work = nest->block * nest->inner_count / run.pieces;
    soma_parallel_for(items * run.pieces, nest->grain / (work > 0 ? work : 1), run_items, &run);
    if (run.pieces > 1 && !atomic_load(&run.failed)) { soma_parallel_for(items, nest->grain, join_pieces, &run); }
    return !atomic_load(&run.failed);
}
