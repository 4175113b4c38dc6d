#include "soma_scatter.h"

void soma_scatter_add(float *restrict target, const float *restrict updates, const int32_t *indices, long count, long extent, long stride,
                      long begin, long end) {
    for (long j = 0; j < count; j++) {
        if (indices[j] < 0 || indices[j] >= extent) { continue; }
        float *to = target + indices[j] * stride;
        const float *from = updates + j * stride;
#pragma clang loop vectorize(enable) interleave_count(4)
        for (long i = begin; i < end; i++) { to[i] += from[i]; }
    }
}
