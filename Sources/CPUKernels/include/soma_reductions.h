#pragma once
#include "soma_loops.h"
#include <stdint.h>

typedef enum soma_reduce { SOMA_SUM, SOMA_PRODUCT, SOMA_MAX, SOMA_MIN, SOMA_ARGMAX, SOMA_ARGMIN, SOMA_REDUCES } soma_reduce;

/// What is known of the elements seen so far. Sums of float32 are kept in double precision between blocks.
typedef struct soma_state {
    double real;               ///< float32: the sum, product or extreme.
    int64_t whole;             ///< Integers: the same, wrapped to 64 bits.
    int64_t index;             ///< Of the extreme; negative before the first element.
} soma_state;

/// A reduction of elements of one type.
typedef struct soma_reduction {
    soma_reduce function;
    soma_type type;
    /// Takes in `count` elements, the first of which is number `first`.
    void (*add)(soma_state *state, long count, const void *x, long first);
    /// By columns: combines a block with another, element by element: sums, products and extremes.
    soma_loop combine;
    /// By columns: takes in element number `place` of every column; `best` and `index` hold the extreme so far.
    void (*add_columns)(long count, void *best, int32_t *index, const void *x, long place);
} soma_reduction;

soma_reduction soma_reduction_for(soma_reduce function, soma_type type);

/// The state before any element.
soma_state soma_state_empty(const soma_reduction *reduction);

/// Takes in the elements of `later`, all of which follow those of `state`.
void soma_state_merge(const soma_reduction *reduction, soma_state *state, const soma_state *later);

/// Writes the result: an element of the reduction's type, or an int32 index.
void soma_state_finish(const soma_reduction *reduction, const soma_state *state, void *out);
