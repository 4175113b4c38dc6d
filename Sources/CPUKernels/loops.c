#include "soma_loops.h"

#include "levels.h"
#include <stddef.h>

static const soma_loops *table(void) { return soma_level_current()->loops; }

soma_loop soma_loop_unary(soma_unary function, soma_type type) { return table()->unary[function][type]; }

soma_loop soma_loop_binary(soma_binary function, soma_type type, soma_form form) { return table()->binary[function][type][form]; }

soma_loop soma_loop_multiply_add(soma_form form) { return table()->multiply_add[form]; }

soma_loop soma_loop_select(soma_type type, soma_form form) { return table()->select[type][form]; }

soma_loop soma_loop_cast(soma_type from, soma_type to) { return table()->cast[from][to]; }

soma_loop soma_loop_splat(soma_type type) { return table()->splat[type]; }

soma_loop soma_loop_copy(soma_type type) { return table()->copy[type]; }

soma_loop soma_loop_stream(soma_type type) { return table()->stream[type]; }

void soma_chain_run(const soma_chain_step *steps, int step_count, long count, char *const *values, soma_state *state) {
    soma_level_current()->run_chain(steps, step_count, count, values, state);
}

soma_loop soma_loop_random(soma_type index) { return index == SOMA_INT64 ? table()->random_wide : table()->random; }
