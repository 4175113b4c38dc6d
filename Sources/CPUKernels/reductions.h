#pragma once
#include "include/soma_reductions.h"

/// The reductions of one level, by function and type.
typedef struct soma_reducers {
    void (*add[SOMA_REDUCES][SOMA_TYPES])(soma_state *state, long count, const void *x, long first);
    void (*add_columns[SOMA_REDUCES][SOMA_TYPES])(long count, void *best, int32_t *index, const void *x, long place);
} soma_reducers;
