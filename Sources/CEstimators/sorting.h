#pragma once
#include <stdint.h>
#include <string.h>

/// Sorts keys whose upper 32 bits decide and are at most `greatest`; equal ones keep their order. `spare` is as long as `keys`.
static inline void soma_sort_keys(uint64_t *keys, uint64_t *spare, long count, uint32_t greatest) {
    if (count <= 40) {
        for (long i = 1; i < count; i++) {
            uint64_t key = keys[i];
            long j = i;
            for (; j > 0 && keys[j - 1] >> 32 > key >> 32; j--) { keys[j] = keys[j - 1]; }
            keys[j] = key;
        }
        return;
    }
    uint64_t *from = keys, *to = spare;
    for (int shift = 32; shift < 64 && greatest >> (shift - 32) != 0; shift += 8) {
        uint32_t starts[256] = {0};
        for (long i = 0; i < count; i++) { starts[from[i] >> shift & 255]++; }
        uint32_t sum = 0;
        for (int digit = 0; digit < 256; digit++) {
            uint32_t size = starts[digit];
            starts[digit] = sum;
            sum += size;
        }
        for (long i = 0; i < count; i++) { to[starts[from[i] >> shift & 255]++] = from[i]; }
        uint64_t *other = from;
        from = to, to = other;
    }
    if (from != keys) { memcpy(keys, from, (size_t)count * sizeof *keys); }
}

/// Bits that are ordered as the numbers are; -0 counts as 0.
static inline uint32_t soma_ordered_bits(float x) {
    uint32_t bits;
    x += 0.0f;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
