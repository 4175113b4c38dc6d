#pragma once
#include <stddef.h>
#include <stdlib.h>

/// Memory of one thread, kept from one use to the next.
typedef struct soma_scratch { float *memory; size_t count; } soma_scratch;

/// Room for `count` floats at a page's beginning, or null where it cannot be had.
static inline float *soma_scratch_reserve(soma_scratch *scratch, long count) {
    if (scratch->count < (size_t)count || scratch->memory == NULL) {
        free(scratch->memory);
        size_t bytes = ((size_t)count * sizeof(float) + 4095) / 4096 * 4096 + 4096;
        scratch->memory = aligned_alloc(4096, bytes);
        scratch->count = scratch->memory == NULL ? 0 : (size_t)count;
    }
    return scratch->memory;
}
