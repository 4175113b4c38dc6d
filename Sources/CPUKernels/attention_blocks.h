/// Blocks of attention's scores, a vector of queries at a time; compiled once per level.
#pragma once
#include "attention.h"
#include "vector_math.h"

/// A vector of scores of one key, −∞ where it is not seen.
INLINE vfloat masked_scores(const soma_attention_block *block, long row, long column, vint first, vint end) {
    const long place = row * soma_attention_queries + column;
    vfloat score = load(block->scores + place) * block->scale;
    if (block->bias != NULL) { score += load(block->bias + place); }
    if (!block->is_masked) { return score; }
    vint key = (vint)(int32_t)(block->first_key + row);
    return ((key >= first) & (key < end)) ? score : splat(-INFINITY);
}

INLINE vint load_ints(const int32_t *from) {
    vint value;
    memcpy(&value, from, sizeof value);
    return value;
}

static bool attention_soften(const soma_attention_block *block, float *highest, float *sum, float *factors) {
    vint changes = 0;
    for (long column = 0; column < soma_attention_queries; column += SOMA_LANES) {
        const vint first = load_ints(block->first + column), end = load_ints(block->end + column);
        const vfloat before = load(highest + column);
        vfloat greatest = before;
        for (long row = 0; row < block->keys; row++) {
            vfloat score = masked_scores(block, row, column, first, end);
            store(block->scores + row * soma_attention_queries + column, score);
            // A NaN is passed over here and makes the sum NaN.
            greatest = score <= greatest ? greatest : score;
        }
        // Where nothing was seen yet, exponentials are 0 relative to anything.
        vfloat reference = greatest == -INFINITY ? splat(0.0f) : greatest;
        vfloat total = 0;
        for (long row = 0; row < block->keys; row++) {
            float *place = block->scores + row * soma_attention_queries + column;
            vfloat weight = v_exp(load(place) - reference);
            store(place, weight);
            total += weight;
        }
        vfloat factor = before == greatest ? splat(1.0f) : v_exp(before - reference);
        changes |= factor != 1.0f;
        store(highest + column, greatest);
        store(sum + column, load(sum + column) * factor + total);
        store(factors + column, factor);
    }
    return any(changes);
}

static void attention_gradient(const soma_attention_block *block, const float *logarithms, const float *d, float *products) {
    for (long column = 0; column < soma_attention_queries; column += SOMA_LANES) {
        const vint first = load_ints(block->first + column), end = load_ints(block->end + column);
        const vfloat highest = load(logarithms + column), logarithm = load(logarithms + soma_attention_queries + column), own = load(d + column);
        for (long row = 0; row < block->keys; row++) {
            const long place = row * soma_attention_queries + column;
            vfloat weight = v_exp(masked_scores(block, row, column, first, end) - highest - logarithm);
            store(block->scores + place, weight);
            store(products + place, weight * (load(products + place) - own) * block->scale);
        }
    }
}

static float attention_soften_row(float *scores, long count, float *sum) {
    float greatest = -INFINITY;
    for (long i = 0; i < count; i++) { greatest = scores[i] <= greatest ? greatest : scores[i]; }
    float reference = greatest == -INFINITY ? 0.0f : greatest, total = 0;
    long i = 0;
    vfloat totals = 0;
    for (; i + SOMA_LANES <= count; i += SOMA_LANES) {
        vfloat weight = v_exp(load(scores + i) - reference);
        store(scores + i, weight);
        totals += weight;
    }
    if (i < count) {
        vfloat weight = v_exp(load_part(scores + i, count - i) - reference);
        store_part(scores + i, weight, count - i);
        float lanes[SOMA_LANES];
        store(lanes, weight);
        for (long k = 0; k < count - i; k++) { total += lanes[k]; }
    }
    *sum = total + sum_of_lanes(totals);
    return greatest;
}
