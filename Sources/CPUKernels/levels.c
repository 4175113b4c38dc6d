#include "levels.h"

#include "soma_levels.h"
#include <stddef.h>

static const soma_level *chosen;

/// The levels this processor can run, best first, then null.
static const soma_level *const *supported(void) {
#if defined(__x86_64__)
    static const soma_level *const all[] = {&soma_level_x86_64_v4, &soma_level_x86_64_v3, &soma_level_baseline, NULL};
    __builtin_cpu_init();
    return all + (__builtin_cpu_supports("x86-64-v4") ? 0 : __builtin_cpu_supports("x86-64-v3") ? 1 : 2);
#else
    static const soma_level *const all[] = {&soma_level_baseline, NULL};
    return all;
#endif
}

int soma_level_count(void) {
    int count = 0;
    while (supported()[count] != NULL) { count++; }
    return count;
}

const char *soma_level_name(int index) { return supported()[index]->name; }

bool soma_kernels_are_optimized(void) {
#if defined(__OPTIMIZE__)
    return true;
#else
    return false;
#endif
}

void soma_level_use(int index) { __atomic_store_n(&chosen, supported()[index], __ATOMIC_RELEASE); }

const soma_level *soma_level_current(void) {
    const soma_level *level = __atomic_load_n(&chosen, __ATOMIC_ACQUIRE);
    return level != NULL ? level : supported()[0];
}
