#pragma once

/// Loops that do one thing only, to measure what a processor is capable of. Each runs on the whole team and returns when all members
/// are done. Memory is counted in floats, a multiple of `SOMA_PEAK_BLOCK` of them, and begins where a cache line does.
enum { SOMA_PEAK_BLOCK = 4096 };

/// Multiplications each with an addition, from registers, in as many independent chains as hide their latency.
void soma_peak_multiply_adds(long rounds);
/// The floating-point operations of a round.
double soma_peak_round_operations(void);

/// Reads a block over and over, each member one of its own, which the first-level cache holds.
void soma_peak_read_cache(long rounds);
/// The bytes of a round.
double soma_peak_round_bytes(void);

void soma_peak_read(const float *from, long count);
/// Past the caches.
void soma_peak_write(float *to, long count);
/// Written past the caches.
void soma_peak_copy(float *to, const float *from, long count);

/// Nothing at all.
void soma_peak_wake(void);
