#pragma once
#include "soma_kernels.h"

/// Rows of a kernel matrix: all of them, or those that were asked for last.
typedef struct soma_kernel_cache {
    const soma_smo *problem;
    const float *x, *norms;    ///< The points, [points, columns], and their squared lengths.
    float *rows;               ///< [slots, points]
    long slots, clock;
    long *slot_of;             ///< [points]: -1: not there. Null where all rows are.
    long *point_of, *used;     ///< [slots]: the point, -1 for none; when it was last asked for.
} soma_kernel_cache;

bool soma_kernel_cache_make(soma_kernel_cache *cache, const soma_smo *problem, const float *x, const float *norms);
void soma_kernel_cache_free(soma_kernel_cache *cache);

/// The kernel of a point with all points; stays until two others have been asked for. Null where memory cannot be had.
const float *soma_kernel_row(soma_kernel_cache *cache, long point);

/// Whether the whole kernel matrix has room.
static inline bool soma_kernel_fits(const soma_smo *problem) {
    return problem->points <= problem->cache_bytes / (long)sizeof(float) / problem->points;
}
