#pragma once
#include <stdbool.h>
#include <stdint.h>

/// What a step of a recurrent layer makes of its state.
typedef enum soma_cell { soma_cell_tanh, soma_cell_relu, soma_cell_lstm, soma_cell_gru } soma_cell;

/// A recurrent layer over sequences in one direction, in float32. All arrays are row-major; G is 1, 4 (i, f, g, o) or 3 (r, z, n) gates.
typedef struct soma_recurrence {
    soma_cell cell;
    bool is_reversed;          ///< Whether the last elements come first.
    long steps, batch, units;  ///< T, N, H.
} soma_recurrence;

/// What the pass reads and writes.
typedef struct soma_recurrence_pass {
    const float *gx;           ///< [T, N, G · H]: what the input adds to the gates.
    const float *u;            ///< [G · H, H].
    const float *bias;         ///< [3 · H], added to U h of a GRU; null for none.
    const float *h0, *c0;      ///< [N, H]; c0 of an LSTM alone.
    const int32_t *lengths;    ///< [N]: at other steps the state stays and y is 0; null where all steps count.
    float *y;                  ///< [T, N, H].
    float *h, *c;              ///< [N, H] after the last step.
    float *gates;              ///< [T, N, G · H] after their functions, of an LSTM or GRU; null if nobody needs them.
    float *inner;              ///< [T, N, H]: c of an LSTM, U_n h + b_n of a GRU; null as the gates.
} soma_recurrence_pass;

/// What the gradient reads and writes.
typedef struct soma_recurrence_gradient {
    const float *u, *h0, *c0;
    const int32_t *lengths;
    const float *y, *gates, *inner;    ///< As the pass has left them.
    const float *gy, *gh, *gc;         ///< Gradients of y and of the last states.
    float *dgx;                        ///< [T, N, G · H].
    float *dh0, *dc0;                  ///< [N, H].
} soma_recurrence_gradient;

/// False where scratch memory cannot be had.
bool soma_recurrence_run(const soma_recurrence *recurrence, const soma_recurrence_pass *pass);
bool soma_recurrence_run_gradient(const soma_recurrence *recurrence, const soma_recurrence_gradient *gradient);
