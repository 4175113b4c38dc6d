#include "kernel_cache.h"

#include <stdlib.h>

bool soma_kernel_cache_make(soma_kernel_cache *cache, const soma_smo *problem, const float *x, const float *norms) {
    bool fits = soma_kernel_fits(problem);
    long points = problem->points, room = problem->cache_bytes / (long)sizeof(float) / points;
    long slots = fits ? points : room < 3 ? 3 : room;
    *cache = (soma_kernel_cache){.problem = problem, .x = x, .norms = norms, .slots = slots,
                                 .rows = malloc((size_t)slots * (size_t)points * sizeof(float))};
    if (cache->rows == NULL) { return false; }
    if (fits) {
        return soma_kernel_matrix(&problem->kernel, x, norms, points, x, norms, points, problem->columns, cache->rows);
    }
    cache->slot_of = malloc((size_t)points * sizeof(long));
    cache->point_of = malloc((size_t)slots * sizeof(long)), cache->used = calloc((size_t)slots, sizeof(long));
    if (!cache->slot_of || !cache->point_of || !cache->used) { return false; }
    for (long point = 0; point < points; point++) { cache->slot_of[point] = -1; }
    for (long slot = 0; slot < slots; slot++) { cache->point_of[slot] = -1; }
    return true;
}

void soma_kernel_cache_free(soma_kernel_cache *cache) { free(cache->rows), free(cache->slot_of), free(cache->point_of), free(cache->used); }

const float *soma_kernel_row(soma_kernel_cache *cache, long point) {
    const soma_smo *problem = cache->problem;
    long points = problem->points;
    if (cache->slot_of == NULL) { return cache->rows + point * points; }
    long slot = cache->slot_of[point];
    if (slot < 0) {
        slot = 0;
        for (long other = 1; other < cache->slots; other++) {
            if (cache->used[other] < cache->used[slot]) { slot = other; }
        }
        if (cache->point_of[slot] >= 0) { cache->slot_of[cache->point_of[slot]] = -1; }
        cache->point_of[slot] = point, cache->slot_of[point] = slot;
        const float *x = cache->x + point * problem->columns;
        if (!soma_kernel_matrix(&problem->kernel, x, cache->norms + point, 1, cache->x, cache->norms, points, problem->columns,
                                cache->rows + slot * points)) { return NULL; }
    }
    cache->used[slot] = ++cache->clock;
    return cache->rows + slot * points;
}
