#pragma once
#include "soma_loops.h"
#include "soma_reductions.h"

/// A chain is several loops over float32 in one: an accumulator, a few vectors wide, takes one step after another before the next
/// elements' turn comes, so that what one step hands the next never leaves the registers.
///
/// In the comments x is the accumulator, and y and z are the step's arguments. An argument is a vector of elements, or (`_S`) a
/// single one that serves all of them.
typedef enum soma_chain_step_kind {
    SOMA_CHAIN_LOAD,           ///< x = y
    SOMA_CHAIN_STORE,          ///< y = x
    SOMA_CHAIN_STREAM,         ///< y = x, past the caches
    SOMA_CHAIN_SQUARE,         ///< x = x · x
    SOMA_CHAIN_NEGATE, SOMA_CHAIN_SQRT, SOMA_CHAIN_RSQRT, SOMA_CHAIN_RECIPROCAL, SOMA_CHAIN_EXP, SOMA_CHAIN_TANH,
    SOMA_CHAIN_LOOP,           ///< x = loop(x), any other function of one argument
    SOMA_CHAIN_ADD, SOMA_CHAIN_ADD_S,
    SOMA_CHAIN_SUBTRACT, SOMA_CHAIN_SUBTRACT_S,                ///< x - y
    SOMA_CHAIN_SUBTRACT_FROM, SOMA_CHAIN_SUBTRACT_FROM_S,      ///< y - x
    SOMA_CHAIN_MULTIPLY, SOMA_CHAIN_MULTIPLY_S,
    SOMA_CHAIN_DIVIDE, SOMA_CHAIN_DIVIDE_S,                    ///< x / y
    SOMA_CHAIN_DIVIDE_INTO, SOMA_CHAIN_DIVIDE_INTO_S,          ///< y / x
    SOMA_CHAIN_MAXIMUM, SOMA_CHAIN_MAXIMUM_S,
    SOMA_CHAIN_MINIMUM, SOMA_CHAIN_MINIMUM_S,
    SOMA_CHAIN_SCALE_ADD, SOMA_CHAIN_SCALE_ADD_Y, SOMA_CHAIN_SCALE_ADD_Z, SOMA_CHAIN_SCALE_ADD_YZ,  ///< x · y + z; which of y and z are single
    SOMA_CHAIN_ADD_PRODUCT, SOMA_CHAIN_ADD_PRODUCT_Z,          ///< y · z + x
    SOMA_CHAIN_SUM,            ///< The state's sum takes x in. A reduction is the last step of a chain.
    SOMA_CHAIN_MAX,            ///< The state's maximum takes x in.
    SOMA_CHAIN_MIN,            ///< The state's minimum takes x in.
} soma_chain_step_kind;

typedef struct soma_chain_step {
    soma_chain_step_kind kind;
    int y, z;                  ///< Values; -1 for none.
    soma_loop loop;            ///< Of one argument.
} soma_chain_step;

/// The most steps of a chain.
enum { SOMA_CHAIN_LIMIT = 32 };

/// Runs a chain over `count` elements; `values` gives the address of each value, `state` is that of the reduction, if there is one.
void soma_chain_run(const soma_chain_step *steps, int step_count, long count, char *const *values, soma_state *state);
