#pragma once
#include "soma_nest.h"
#include <stddef.h>

/// What one thread knows while it runs a nest.
typedef struct nest_frame {
    const soma_nest *nest;
    const soma_bindings *bindings;
    char **values;             ///< The address of each value.
    char **starts;             ///< For each operand, the address of the line's first element.
    long *first_index;         ///< For each operand that is an index, its number at the line's first element.
    soma_state *states;        ///< One for each reduction.
    char *scratch;
} nest_frame;

/// Lines or blocks of columns with reductions that are fewer than this are cut into so many pieces in all, if they are long enough: by their shape
/// alone, so that the sums do not depend on the number of threads.
enum { nest_pieces = 64 };

/// Scratch memory of the calling thread, kept and grown; null where it cannot be had.
char *nest_scratch(long bytes);

/// A frame in the calling thread's scratch memory, its registers in place and its uniform instructions done.
bool nest_frame_open(nest_frame *frame, const soma_nest *nest, const soma_bindings *bindings);

/// Moves all operands to a line, numbered row-major in the line extents.
void nest_go_to_line(nest_frame *frame, long line);

/// Copies `count` elements of a winding operand, from number `first` of the inner domain on, to or from `packed`.
void nest_wind(const nest_frame *frame, const soma_operand *operand, char *start, long index, long first, long count, char *packed);

/// Copies `count` elements at a constant distance (in elements) to or from `packed`, or numbers them.
void nest_stride(const soma_operand *operand, char *start, long index, long stride, long count, char *packed);

/// Runs instruction `i`, which is no reduction, on `count` elements.
static inline void nest_execute(const soma_nest *nest, char *const *values, const soma_instruction *i, long count) {
    if (i->chain_count > 0) { return soma_chain_run(nest->steps + i->chain, i->chain_count, count, values, NULL); }
    i->loop(i->is_single ? 1 : count, values[i->out], i->a < 0 ? NULL : values[i->a], i->b < 0 ? NULL : values[i->b],
            i->c < 0 ? NULL : values[i->c]);
}

/// Takes `count` elements, the first of them number `first`, into the state of reduction `i`.
static inline void nest_reduce(const soma_nest *nest, char *const *values, const soma_instruction *i, long count, soma_state *state, long first) {
    if (i->chain_count > 0) { return soma_chain_run(nest->steps + i->chain, i->chain_count, count, values, state); }
    nest->reductions[i->reduction].add(state, count, values[i->a], first);
}

bool nest_run_by_rows(const soma_nest *nest, const soma_bindings *bindings);
bool nest_run_by_columns(const soma_nest *nest, const soma_bindings *bindings);
