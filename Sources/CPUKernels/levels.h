#pragma once
#include "attention.h"
#include "depthwise.h"
#include "include/soma_chains.h"
#include "loops.h"
#include "matmul_internal.h"
#include "peaks.h"
#include "pooling.h"
#include "recurrence.h"
#include "reductions.h"
#include "winograd.h"

/// The loops compiled for one instruction set level.
typedef struct soma_level {
    const char *name;
    int lanes;                     ///< Floats in a vector.
    const soma_loops *loops;
    const soma_reducers *reducers;
    void (*run_chain)(const soma_chain_step *steps, int step_count, long count, char *const *values, soma_state *state);
    soma_matmul_kernels matmul;
    soma_attention_kernels attention;
    soma_pooling_kernels pooling;
    soma_depthwise_kernels depthwise;
    soma_peak_kernels peaks;
    soma_recurrence_kernels recurrence;
    soma_winograd_kernels winograd;
    void (*transpose_tile)(long rows, long columns, const float *source, long row_stride, float *target, long column_stride);
} soma_level;

extern const soma_level soma_level_baseline;
#if defined(__x86_64__)
extern const soma_level soma_level_x86_64_v3, soma_level_x86_64_v4;
#endif

/// The level in use: the best that this processor has, unless another was chosen.
const soma_level *soma_level_current(void);
