#include "soma_reductions.h"

#include "levels.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_argument(soma_reduce function) { return function == SOMA_ARGMAX || function == SOMA_ARGMIN; }
static bool wants_greatest(soma_reduce function) { return function == SOMA_MAX || function == SOMA_ARGMAX; }

soma_reduction soma_reduction_for(soma_reduce function, soma_type type) {
    static const soma_binary combining[] = {SOMA_ADD, SOMA_MULTIPLY, SOMA_MAXIMUM, SOMA_MINIMUM};
    const soma_reducers *reducers = soma_level_current()->reducers;
    soma_type stored = type == SOMA_BOOL ? SOMA_UINT8 : type;
    return (soma_reduction){
        .function = function, .type = type, .add = reducers->add[function][type],
        .combine = is_argument(function) ? NULL : soma_loop_binary(combining[function], stored, SOMA_ALL_VECTORS),
        .add_columns = reducers->add_columns[function][type],
    };
}

static int64_t lowest(soma_type type) { return type == SOMA_INT32 ? INT32_MIN : type == SOMA_INT64 ? INT64_MIN : 0; }

static int64_t highest(soma_type type) {
    switch (type) {
    case SOMA_INT32: return INT32_MAX;
    case SOMA_UINT32: return UINT32_MAX;
    case SOMA_INT64: return INT64_MAX;
    case SOMA_UINT8: return UINT8_MAX;
    default: return 1;
    }
}

soma_state soma_state_empty(const soma_reduction *reduction) {
    soma_state state = {.index = -1};
    switch (reduction->function) {
    case SOMA_SUM: break;
    case SOMA_PRODUCT: state.real = 1, state.whole = 1; break;
    default:
        state.real = wants_greatest(reduction->function) ? -INFINITY : INFINITY;
        state.whole = wants_greatest(reduction->function) ? lowest(reduction->type) : highest(reduction->type);
    }
    return state;
}

/// Whether the extreme of `y` replaces that of `x`, which came before it.
static bool is_better(const soma_reduction *reduction, const soma_state *x, const soma_state *y) {
    bool greatest = wants_greatest(reduction->function);
    if (reduction->type != SOMA_FLOAT32) { return greatest ? y->whole > x->whole : y->whole < x->whole; }
    if (x->real != x->real || y->real != y->real) { return x->real == x->real; }
    return greatest ? y->real > x->real : y->real < x->real;
}

void soma_state_merge(const soma_reduction *reduction, soma_state *state, const soma_state *later) {
    switch (reduction->function) {
    case SOMA_SUM:
        state->real += later->real;
        state->whole = (int64_t)((uint64_t)state->whole + (uint64_t)later->whole);
        break;
    case SOMA_PRODUCT:
        state->real *= later->real;
        state->whole = (int64_t)((uint64_t)state->whole * (uint64_t)later->whole);
        break;
    default:
        if (is_argument(reduction->function) && later->index < 0) { break; }
        if ((is_argument(reduction->function) && state->index < 0) || is_better(reduction, state, later)) { *state = *later; }
    }
}

void soma_state_finish(const soma_reduction *reduction, const soma_state *state, void *out) {
    if (is_argument(reduction->function)) {
        *(int32_t *)out = (int32_t)(state->index < 0 ? 0 : state->index);
    } else if (reduction->type == SOMA_FLOAT32) {
        *(float *)out = (float)state->real;
    } else {
        // The low bytes come first, on every processor this is built for.
        memcpy(out, &state->whole, (size_t)soma_type_size(reduction->type));
    }
}
