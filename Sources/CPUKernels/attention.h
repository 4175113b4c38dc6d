#pragma once
#include <stdbool.h>
#include <stdint.h>

/// How many queries a block has: so many adjacent floats a row of scores.
enum { soma_attention_queries = 64 };

/// Scores of keys (rows) and queries (columns), and which of them count: query i sees keys first[i] ..< end[i].
typedef struct soma_attention_block {
    float *scores;
    long keys;                 ///< Rows.
    long first_key;            ///< The key of the first row.
    float scale;
    bool is_masked;            ///< Whether some query does not see some of these keys.
    const int32_t *first, *end;
    const float *bias;         ///< Laid out as the scores; may be null.
} soma_attention_block;

typedef struct soma_attention_kernels {
    /// Turns scores into exponentials relative to `highest`, which grows to the greatest score so far, and adds them to `sum`. `factors` are what
    /// earlier exponentials must be multiplied by; false if all are 1.
    bool (*soften)(const soma_attention_block *block, float *highest, float *sum, float *factors);
    /// Turns scores into weights exp(score − greatest − logarithm), the queries' greatest scores before their logarithms, and products g · v into what the scores get: weight · (product − d) · scale.
    void (*gradient)(const soma_attention_block *block, const float *logarithms, const float *d, float *products);
    /// Adjacent scores of one query into exponentials relative to the greatest of them, which it returns.
    float (*soften_row)(float *scores, long count, float *sum);
} soma_attention_kernels;
