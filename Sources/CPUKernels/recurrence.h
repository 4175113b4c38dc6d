#pragma once
#include "include/soma_recurrence.h"

/// One row of a step, some adjacent units of it: pointers are to the first of them, gates are `units` apart.
typedef struct recurrence_cell {
    long count, units;
    const float *gx, *products;        ///< Products U h are `product_stride` apart from gate to gate.
    long product_stride;
    const float *bias, *h, *c;
    float *next_h, *next_c, *gates, *inner;
} recurrence_cell;

/// The same backwards. dh and dc come in as what the state after the step gets, and go out as what the state before gets by itself.
typedef struct recurrence_cell_gradient {
    long count, units;
    const float *gates, *inner, *previous_h, *previous_c, *h;
    float *dh, *dc, *dgx;
    float *products;                   ///< What U h gets, `units` apart; where it is not dgx.
} recurrence_cell_gradient;

typedef struct soma_recurrence_kernels {
    void (*cell)(soma_cell kind, const recurrence_cell *cell);
    void (*gradient)(soma_cell kind, const recurrence_cell_gradient *cell);
} soma_recurrence_kernels;
