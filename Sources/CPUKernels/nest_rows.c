#include "nest.h"

#include "counts.h"
#include "soma_team.h"
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/// A run: items are lines, or pieces of lines where these alone would not keep a large team busy.
typedef struct rows_run {
    const soma_nest *nest;
    const soma_bindings *bindings;
    long pieces;               // of a line; a piece is a whole number of blocks
    soma_state *partial;       // of each piece and reduction, where lines with reductions are cut
    atomic_bool failed;
} rows_run;

/// Brings the operands of elements [first, first + count) into place: addresses, or copies in registers.
static void load_block(nest_frame *frame, long first, long count) {
    const soma_nest *nest = frame->nest;
    for (int o = 0; o < nest->operand_count; o++) {
        const soma_operand *operand = &nest->operands[o];
        long offset = first * operand->stride;
        char *strided = operand->is_index ? NULL : frame->starts[o] + offset * soma_type_size(operand->type);
        switch (operand->reach) {
        case SOMA_REACH_SINGLE: break;
        case SOMA_REACH_DIRECT:
            frame->values[operand->value] = frame->starts[o] + first * soma_type_size(operand->type);
            break;
        case SOMA_REACH_STRIDED:
            if (operand->is_store) { break; }
            nest_stride(operand, strided, frame->first_index[o] + offset, operand->stride, count, frame->values[operand->value]);
            break;
        case SOMA_REACH_WINDING:
            if (operand->is_store) { break; }
            nest_wind(frame, operand, frame->starts[o], frame->first_index[o], first, count, frame->values[operand->value]);
            break;
        case SOMA_REACH_PERIODIC: case SOMA_REACH_TILED: break;
        }
    }
}

/// Brings what every block of a line sees alike into its registers.
static void load_periodic(nest_frame *frame) {
    const soma_nest *nest = frame->nest;
    long count = nest->block < nest->width ? nest->block : nest->width;
    for (int o = 0; o < nest->operand_count; o++) {
        const soma_operand *operand = &nest->operands[o];
        if (operand->reach != SOMA_REACH_PERIODIC) { continue; }
        nest_wind(frame, operand, frame->starts[o], frame->first_index[o], 0, count, frame->values[operand->value]);
    }
}

static void store_block(nest_frame *frame, long first, long count) {
    const soma_nest *nest = frame->nest;
    for (int o = 0; o < nest->operand_count; o++) {
        const soma_operand *operand = &nest->operands[o];
        if (!operand->is_store) { continue; }
        if (operand->reach == SOMA_REACH_STRIDED) {
            nest_stride(operand, frame->starts[o] + first * operand->stride * soma_type_size(operand->type), 0, operand->stride, count,
                        frame->values[operand->value]);
        } else if (operand->reach == SOMA_REACH_WINDING) {
            nest_wind(frame, operand, frame->starts[o], 0, first, count, frame->values[operand->value]);
        }
    }
}

static void run_phase(nest_frame *frame, int phase, long first, long count) {
    const soma_nest *nest = frame->nest;
    for (int k = 0; k < nest->instruction_count; k++) {
        const soma_instruction *instruction = &nest->instructions[k];
        if (instruction->phase != phase) { continue; }
        if (instruction->reduction < 0) {
            nest_execute(nest, frame->values, instruction, count);
        } else {
            nest_reduce(nest, frame->values, instruction, count, &frame->states[instruction->reduction], first);
        }
    }
}

static void empty_states(nest_frame *frame) {
    for (int r = 0; r < frame->nest->reduction_count; r++) { frame->states[r] = soma_state_empty(&frame->nest->reductions[r]); }
}

/// Writes the results of the complete reductions and runs what waits for them.
static void finish_line(nest_frame *frame) {
    const soma_nest *nest = frame->nest;
    for (int k = 0; k < nest->instruction_count; k++) {
        const soma_instruction *instruction = &nest->instructions[k];
        if (instruction->reduction >= 0) {
            soma_state_finish(&nest->reductions[instruction->reduction], &frame->states[instruction->reduction], frame->values[instruction->out]);
        }
    }
    run_phase(frame, SOMA_PHASE_AFTER, 0, 1);
}

/// A line in one block: every instruction in its turn, so that what is stored may depend on what was reduced.
static void run_whole_line(nest_frame *frame) {
    const soma_nest *nest = frame->nest;
    load_block(frame, 0, nest->width);
    for (int k = 0; k < nest->instruction_count; k++) {
        const soma_instruction *instruction = &nest->instructions[k];
        if (instruction->reduction < 0) {
            nest_execute(nest, frame->values, instruction, nest->width);
        } else {
            const soma_reduction *reduction = &nest->reductions[instruction->reduction];
            soma_state state = soma_state_empty(reduction);
            nest_reduce(nest, frame->values, instruction, nest->width, &state, 0);
            soma_state_finish(reduction, &state, frame->values[instruction->out]);
        }
    }
    store_block(frame, 0, nest->width);
}

/// Blocks of one line from element `first` to `end`.
static void run_piece(nest_frame *frame, long first, long end) {
    long block = frame->nest->block;
    load_periodic(frame);
    run_phase(frame, SOMA_PHASE_LINE, 0, 1);
    for (; first < end; first += block) {
        long count = end - first < block ? end - first : block;
        load_block(frame, first, count);
        run_phase(frame, SOMA_PHASE_BLOCK, first, count);
        store_block(frame, first, count);
    }
}

/// The first element of a piece.
static long piece_start(const rows_run *run, long piece) {
    long blocks = (run->nest->width + run->nest->block - 1) / run->nest->block;
    long start = (blocks / run->pieces * piece + blocks % run->pieces * piece / run->pieces) * run->nest->block;
    return start < run->nest->width ? start : run->nest->width;
}

static void run_items(long begin, long end, int part, void *context) {
    (void)part;
    rows_run *run = context;
    const soma_nest *nest = run->nest;
    nest_frame frame;
    if (!nest_frame_open(&frame, nest, run->bindings)) {
        atomic_store(&run->failed, true);
        return;
    }
    for (long item = begin; item < end; item++) {
        long piece = item % run->pieces;
        nest_go_to_line(&frame, item / run->pieces);
        if (nest->whole_lines) {
            run_whole_line(&frame);
            continue;
        }
        empty_states(&frame);
        long last = piece;
        // Without reductions, neighbouring pieces are run as one.
        while (nest->reduction_count == 0 && item + 1 < end && last + 1 < run->pieces) { item++, last++; }
        run_piece(&frame, piece_start(run, piece), piece_start(run, last + 1));
        if (run->partial != NULL) {
            memcpy(run->partial + item * nest->reduction_count, frame.states, (size_t)nest->reduction_count * sizeof(soma_state));
        } else if (nest->reduction_count > 0 || nest->has_after) {
            finish_line(&frame);
        }
    }
    // What was stored past the caches must be seen by whoever waits for this part.
    atomic_thread_fence(memory_order_seq_cst);
}

/// Joins the pieces of every line, first to last.
static void join_pieces(long begin, long end, int part, void *context) {
    (void)part;
    rows_run *run = context;
    const soma_nest *nest = run->nest;
    nest_frame frame;
    if (!nest_frame_open(&frame, nest, run->bindings)) {
        atomic_store(&run->failed, true);
        return;
    }
    for (long line = begin; line < end; line++) {
        nest_go_to_line(&frame, line);
        empty_states(&frame);
        for (long piece = 0; piece < run->pieces; piece++) {
            const soma_state *states = run->partial + (line * run->pieces + piece) * nest->reduction_count;
            for (int r = 0; r < nest->reduction_count; r++) { soma_state_merge(&nest->reductions[r], &frame.states[r], &states[r]); }
        }
        run_phase(&frame, SOMA_PHASE_LINE, 0, 1);
        finish_line(&frame);
    }
}

/// How many pieces a line is cut into. Those of a reduction are as long as a thread is woken for.
static long piece_count(const soma_nest *nest) {
    long blocks = ceiling(nest->width, nest->block);
    if (nest->whole_lines || blocks <= 1 || nest->line_count == 0) { return 1; }
    if (nest->reduction_count == 0) { return blocks; }
    return larger(1, smaller(smaller(ceiling(nest_pieces, nest->line_count), blocks), nest->width / nest->grain));
}

bool nest_run_by_rows(const soma_nest *nest, const soma_bindings *bindings) {
    rows_run run = {.nest = nest, .bindings = bindings, .pieces = piece_count(nest)};
    bool joins = nest->reduction_count > 0 && run.pieces > 1;
    if (joins) {
        run.partial = malloc((size_t)(nest->line_count * run.pieces * nest->reduction_count) * sizeof(soma_state));
        if (run.partial == NULL) { return false; }
    }
    // A thread takes at least so many elements that waking it pays.
    long piece = nest->width / run.pieces > 0 ? nest->width / run.pieces : 1;
    soma_parallel_for(nest->line_count * run.pieces, nest->grain / piece, run_items, &run);
    if (joins && !atomic_load(&run.failed)) { soma_parallel_for(nest->line_count, nest->grain, join_pieces, &run); }
    free(run.partial);
    return !atomic_load(&run.failed);
}

bool soma_nest_takes_spans(const soma_nest *nest, long unit) {
    if (nest->by_columns || nest->whole_lines || nest->reduction_count > 0 || nest->has_after) { return false; }
    // What is stored past the caches, and what is alike in all blocks, begins with whole blocks.
    if (unit % 64 != 0) { return false; }
    for (int o = 0; o < nest->operand_count; o++) {
        if (nest->operands[o].reach == SOMA_REACH_PERIODIC) { return false; }
    }
    return true;
}

bool soma_nest_run_span(const soma_nest *nest, const soma_bindings *bindings, long first, long end) {
    nest_frame frame;
    if (!nest_frame_open(&frame, nest, bindings)) { return false; }
    while (first < end) {
        const long line = first / nest->width, begin = first % nest->width, count = smaller(end - first, nest->width - begin);
        nest_go_to_line(&frame, line);
        run_piece(&frame, begin, begin + count);
        first += count;
    }
    atomic_thread_fence(memory_order_seq_cst);
    return true;
}
