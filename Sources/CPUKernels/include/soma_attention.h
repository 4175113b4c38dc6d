#pragma once
#include <stdbool.h>
#include <stdint.h>

/// Scaled dot-product attention in float32, and its gradient.
///
/// q is [batch, heads, queries, width], k [batch, key_heads, keys, width], v [batch, key_heads, keys, value_width], g and the output [batch, heads,
/// queries, value_width]; features of a head are adjacent, the other axes have strides in elements. Head h reads the keys of head
/// h / (heads / key_heads). Logarithms are [batch, heads, queries, 2], the greatest
/// score of a row and the logarithm of the sum of exponentials relative to it; d is [batch, heads, queries]; both adjacent.
typedef struct soma_attention {
    long batch, heads, key_heads, queries, keys, width, value_width;
    float scale;               ///< What q · k is multiplied by.
    bool is_causal;            ///< Query i sees keys up to i + keys − queries.
    long window;               ///< It sees that many of them, the last ones; -1 for no bound.
    long q[3], k[3], v[3];     ///< Strides of batch, head, query or key.
    long output[3];            ///< Those of the output, or of g.
    long dq[3], dk[3], dv[3];  ///< Those of the gradient's results.
    long bias[4];              ///< Strides of batch, head, query, key; any.
} soma_attention;

/// What attention reads; `lengths` and `bias` may be null.
typedef struct soma_attention_inputs {
    const float *q, *k, *v;
    const int32_t *lengths;    ///< Of each sequence of the batch, only keys before it are seen.
    const float *bias;         ///< Added to scores.
} soma_attention_inputs;

/// The output and the logarithms of each row, 0 and ∞ where a query sees no key. False where scratch memory cannot be had.
bool soma_attention_run(const soma_attention *attention, const soma_attention_inputs *inputs, float *output, float *logarithms);

/// What q, k and v get of the gradient g of the output. d is Σ g · output, less what the logarithms get. False where scratch memory cannot be had.
bool soma_attention_run_gradient(
    const soma_attention *attention, const soma_attention_inputs *inputs, const float *logarithms, const float *d, const float *g, float *dq,
    float *dk, float *dv);
