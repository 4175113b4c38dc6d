/// Loops that measure the processor; compiled once per level.
#pragma once
#include "peaks.h"
#include "vectors.h"

// Independent results under way: enough for two units of a latency of five cycles, and few enough for the registers.
#if SOMA_LANES == 16 || defined(__aarch64__)
enum { peak_chains = 24 };
#else
enum { peak_chains = 12 };
#endif

static float peak_multiply_adds(long rounds, float seed) {
    // x ← x/2 + 1/2, which tends to 1: neither endless nor denormal numbers may come up.
    vfloat chains[peak_chains], half = (vfloat)seed;
    UNROLLED for (int c = 0; c < peak_chains; c++) { chains[c] = half * (float)c; }
    for (long round = 0; round < rounds; round++) {
        UNROLLED for (int c = 0; c < peak_chains; c++) { chains[c] = chains[c] * half + half; }
    }
    vfloat sum = 0;
    UNROLLED for (int c = 0; c < peak_chains; c++) { sum += chains[c]; }
    return sum[0];
}

static float peak_read(const float *from, long count) {
    vfloat sums[16] = {0};
    for (long i = 0; i < count; i += 16 * SOMA_LANES) {
        UNROLLED for (int k = 0; k < 16; k++) { sums[k] += load(from + i + k * SOMA_LANES); }
    }
    UNROLLED for (int k = 1; k < 16; k++) { sums[0] += sums[k]; }
    return sums[0][0];
}

static void peak_write(float *to, long count) {
    for (long i = 0; i < count; i += SOMA_LANES) { __builtin_nontemporal_store((vfloat)1, (vfloat *)(to + i)); }
}

static void peak_copy(float *to, const float *from, long count) {
    for (long i = 0; i < count; i += SOMA_LANES) { __builtin_nontemporal_store(load(from + i), (vfloat *)(to + i)); }
}
