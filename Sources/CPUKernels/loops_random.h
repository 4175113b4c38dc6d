/// Random words: Philox-4x32-10 for a vector of counters at a time.
#pragma once

#include "vectors.h"

typedef uint64_t vulong __attribute__((ext_vector_type(SOMA_LANES)));

/// The high and the low half of the products of 32-bit numbers.
INLINE vuint multiply_halves(vuint x, uint32_t factor, vuint *low) {
    vulong product = __builtin_convertvector(x, vulong) * (vulong)(uint64_t)factor;
    *low = __builtin_convertvector(product, vuint);
    return __builtin_convertvector(product >> 32, vuint);
}

/// The four words of each block, whose number comes in halves: ten rounds of two products and a step of the key.
INLINE void philox(vuint block, vuint high, const uint32_t key[2], uint32_t counter, vuint words[4]) {
    vuint c0 = block, c1 = high, c2 = (vuint)counter, c3 = (vuint)0;
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        vuint low0, low1;
        vuint high0 = multiply_halves(c0, 0xD2511F53u, &low0);
        vuint high1 = multiply_halves(c2, 0xCD9E8D57u, &low1);
        c0 = high1 ^ c1 ^ (vuint)k0, c1 = low1;
        c2 = high0 ^ c3 ^ (vuint)k1, c3 = low0;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    words[0] = c0, words[1] = c1, words[2] = c2, words[3] = c3;
}

/// Whether `count` numbers are consecutive and begin a block.
INLINE bool is_run_of_blocks(const uint32_t *index, long count) {
    uint32_t wrong = index[0] & 3;
    for (long i = 0; i < count; i++) { wrong |= index[i] ^ (index[0] + (uint32_t)i); }
    return wrong == 0;
}

/// Word a[i]; b holds the key's two words and the counter. Where the numbers run on, as they mostly do, a block is computed once
/// for its four words.
static void random_words(long count, void *out, const void *first, const void *second, const void *third) {
    (void)third;
    const uint32_t *index = first, *key = second;
    uint32_t *to = out;
    enum { run = 4 * SOMA_LANES };
    vuint words[4];
    long i = 0;
    for (; i + run <= count && is_run_of_blocks(index + i, run); i += run) {
        vuint lane;
        for (int l = 0; l < SOMA_LANES; l++) { lane[l] = (uint32_t)l; }
        philox((vuint)(index[i] / 4) + lane, (vuint)0, key, key[2], words);
        for (int w = 0; w < 4; w++) {
            for (int l = 0; l < SOMA_LANES; l++) { to[i + 4 * l + w] = words[w][l]; }
        }
    }
    for (; i < count; i += SOMA_LANES) {
        uint32_t part[SOMA_LANES] = {0}, result[SOMA_LANES];
        long lanes = count - i < SOMA_LANES ? count - i : SOMA_LANES;
        memcpy(part, index + i, (size_t)lanes * sizeof(uint32_t));
        vuint number;
        memcpy(&number, part, sizeof number);
        philox(number / 4, (vuint)0, key, key[2], words);
        vuint rest = number & 3;
        vuint chosen = rest == 0 ? words[0] : rest == 1 ? words[1] : rest == 2 ? words[2] : words[3];
        memcpy(result, &chosen, sizeof result);
        memcpy(to + i, result, (size_t)lanes * sizeof(uint32_t));
    }
}

/// The same of numbers with 64 bits, as a draw of more than 2³¹ words has them.
static void random_words_wide(long count, void *out, const void *first, const void *second, const void *third) {
    (void)third;
    const int64_t *index = first;
    const uint32_t *key = second;
    uint32_t *to = out;
    for (long i = 0; i < count; i += SOMA_LANES) {
        vuint block, high, words[4];
        long lanes = count - i < SOMA_LANES ? count - i : SOMA_LANES;
        for (int l = 0; l < SOMA_LANES; l++) {
            uint64_t number = l < lanes ? (uint64_t)index[i + l] / 4 : 0;
            block[l] = (uint32_t)number, high[l] = (uint32_t)(number >> 32);
        }
        philox(block, high, key, key[2], words);
        for (long l = 0; l < lanes; l++) { to[i + l] = words[index[i + l] & 3][l]; }
    }
}
