#include "soma_attention.h"

#include "levels.h"
#include "scratch.h"
#include "soma_team.h"
#include <math.h>
#include <string.h>

// Scores are made transposed, a block of keys by a block of queries: then keys are read where they lie, the softmax of a query runs down a lane, and
// the products with values and keys read the block by strides.

enum {
    block_queries = soma_attention_queries,
    block_keys = 64,
    /// Fewer queries than this go row by row: most of a block would be empty.
    fewest_queries = 5,
};

typedef struct attention_run {
    const soma_attention *attention;
    soma_attention_inputs inputs;
    const float *logarithms, *d, *g;
    float *output, *out_logarithms, *dq, *dk, *dv;
    const soma_level *level;
    long query_blocks;
    bool lacks_memory;
} attention_run;

static _Thread_local soma_scratch scratch;

/// Which keys a block of queries sees.
typedef struct key_ranges {
    int32_t first[block_queries], end[block_queries];
    long least, most;          ///< All keys that any of them sees lie in least ..< most.
    long all_first, all_end;   ///< Those that each of them sees.
} key_ranges;

static long smaller(long a, long b) { return a < b ? a : b; }
static long greater(long a, long b) { return a > b ? a : b; }
static long padded(long width, const soma_level *level) { return (width + level->lanes - 1) / level->lanes * level->lanes; }

static key_ranges ranges_of(const attention_run *run, long batch, long first_query, long count) {
    const soma_attention *a = run->attention;
    key_ranges ranges = {.least = a->keys, .most = 0, .all_first = 0, .all_end = a->keys};
    const long length = run->inputs.lengths == NULL ? a->keys : greater(0, smaller(a->keys, run->inputs.lengths[batch]));
    for (long i = 0; i < block_queries; i++) {
        const long place = first_query + smaller(i, count - 1) + a->keys - a->queries;
        const long end = a->is_causal ? greater(0, smaller(length, place + 1)) : length;
        const long first = a->window < 0 ? 0 : smaller(end, greater(0, place - a->window + 1));
        ranges.first[i] = (int32_t)first;
        ranges.end[i] = (int32_t)end;
        if (first < end) {
            ranges.least = smaller(ranges.least, first);
            ranges.most = greater(ranges.most, end);
        }
        ranges.all_first = greater(ranges.all_first, first);
        ranges.all_end = smaller(ranges.all_end, end);
    }
    return ranges;
}

/// C = A B or C += A B, where rows of B and C are adjacent and `columns` is a multiple of a vector.
static void product(const soma_matmul_kernels *kernels, long rows, long depth, long columns, const float *a, long a_row, long a_step, const float *b,
                    long b_step, float *c, long c_row, bool accumulate) {
    for (long column = 0; column < columns;) {
        const int vectors = columns - column >= 2 * kernels->lanes ? 2 : 1;
        for (long row = 0; row < rows; row += kernels->rows) {
            const soma_strip strip = {a + row * a_row, a_row, a_step};
            const soma_tile_target target = {c + row * c_row + column, c_row, 1, vectors * kernels->lanes, accumulate};
            kernels->tiles[smaller(kernels->rows, rows - row) - 1][vectors - 1](depth, &strip, b + column, b_step, &target);
        }
        column += vectors * kernels->lanes;
    }
}

/// Rows as columns: `to` [width, block_queries]; columns beyond `count` are 0.
static void turn(const soma_level *level, long count, long width, const float *from, long stride, float *to) {
    if (count < block_queries) { memset(to, 0, sizeof(float) * width * block_queries); }
    for (long row = 0; row < count; row += level->lanes) {
        for (long column = 0; column < width; column += level->lanes) {
            level->transpose_tile(smaller(level->lanes, count - row), smaller(level->lanes, width - column), from + row * stride + column, stride,
                                  to + column * block_queries + row, block_queries);
        }
    }
}

/// Rows that whole vectors can be read of: where they lie, or a copy in `to` with zeros behind.
static const float *whole_rows(long count, long width, long padded, const float *from, long *stride, float *to) {
    if (width == padded) { return from; }
    for (long row = 0; row < count; row++) {
        memcpy(to + row * padded, from + row * *stride, sizeof(float) * width);
        memset(to + row * padded + width, 0, sizeof(float) * (padded - width));
    }
    *stride = padded;
    return to;
}

/// The bias of a block, laid out as its scores; null where there is none.
static const float *bias_of(const attention_run *run, long batch, long head, long query, long queries, long key, long keys, float *to) {
    if (run->inputs.bias == NULL) { return NULL; }
    const long *stride = run->attention->bias;
    const float *from = run->inputs.bias + batch * stride[0] + head * stride[1] + query * stride[2] + key * stride[3];
    for (long row = 0; row < keys; row++) {
        for (long i = 0; i < block_queries; i++) { to[row * block_queries + i] = i < queries ? from[i * stride[2] + row * stride[3]] : 0; }
    }
    return to;
}

static soma_attention_block block_of(const attention_run *run, const key_ranges *ranges, long key, long keys, float *scores, const float *bias) {
    return (soma_attention_block){
        .scores = scores, .keys = keys, .first_key = key, .scale = run->attention->scale, .first = ranges->first, .end = ranges->end, .bias = bias,
        .is_masked = ranges->all_first > key || ranges->all_end < key + keys,
    };
}

static float *reserve(attention_run *run, long count) {
    float *memory = soma_scratch_reserve(&scratch, count);
    if (memory == NULL) { __atomic_store_n(&run->lacks_memory, true, __ATOMIC_RELAXED); }
    return memory;
}

// Forward

static void run_block(attention_run *run, long batch, long head, long query) {
    const soma_attention *a = run->attention;
    const soma_level *level = run->level;
    const long queries = smaller(block_queries, a->queries - query), group = head / (a->heads / a->key_heads);
    const long e = padded(a->value_width, level);
    float *memory = reserve(run, block_queries * (a->width + e + 3 + 2 * block_keys) + block_keys * e);
    if (memory == NULL) { return; }
    float *turned = memory, *sums = turned + block_queries * a->width, *highest = sums + block_queries * e, *total = highest + block_queries;
    float *factors = total + block_queries, *scores = factors + block_queries, *bias = scores + block_queries * block_keys;
    float *values = bias + block_queries * block_keys;
    turn(level, queries, a->width, run->inputs.q + batch * a->q[0] + head * a->q[1] + query * a->q[2], a->q[2], turned);
    memset(sums, 0, sizeof(float) * block_queries * e);
    for (long i = 0; i < block_queries; i++) {
        highest[i] = -INFINITY;
        total[i] = 0;
    }
    const key_ranges ranges = ranges_of(run, batch, query, queries);
    const float *k = run->inputs.k + batch * a->k[0] + group * a->k[1], *v = run->inputs.v + batch * a->v[0] + group * a->v[1];
    for (long key = ranges.least / block_keys * block_keys; key < ranges.most; key += block_keys) {
        const long keys = smaller(block_keys, ranges.most - key);
        product(&level->matmul, keys, a->width, block_queries, k + key * a->k[2], a->k[2], 1, turned, block_queries, scores, block_queries, false);
        const soma_attention_block block =
            block_of(run, &ranges, key, keys, scores, bias_of(run, batch, head, query, queries, key, keys, bias));
        if (level->attention.soften(&block, highest, total, factors)) {
            for (long i = 0; i < queries; i++) {
                for (long c = 0; c < e; c++) { sums[i * e + c] *= factors[i]; }
            }
        }
        long stride = a->v[2];
        const float *rows = whole_rows(keys, a->value_width, e, v + key * stride, &stride, values);
        product(&level->matmul, queries, keys, e, scores, 1, block_queries, rows, stride, sums, e, true);
    }
    float *output = run->output + batch * a->output[0] + head * a->output[1] + query * a->output[2];
    float *logarithms = run->out_logarithms + 2 * ((batch * a->heads + head) * a->queries + query);
    for (long i = 0; i < queries; i++) {
        const float scale = total[i] == 0 ? 0 : 1 / total[i];
        for (long c = 0; c < a->value_width; c++) { output[i * a->output[2] + c] = total[i] == 0 ? 0 : sums[i * e + c] * scale; }
        logarithms[2 * i] = total[i] == 0 ? 0 : highest[i];
        logarithms[2 * i + 1] = total[i] == 0 ? INFINITY : logf(total[i]);
    }
}

/// One query, whose scores are all in memory.
static void run_row(attention_run *run, long batch, long head, long query) {
    const soma_attention *a = run->attention;
    const soma_matmul_kernels *kernels = &run->level->matmul;
    const long group = head / (a->heads / a->key_heads);
    float *scores = reserve(run, a->keys);
    if (scores == NULL) { return; }
    const key_ranges ranges = ranges_of(run, batch, query, 1);
    const long first = ranges.first[0], count = ranges.end[0] - first;
    const float *k = run->inputs.k + batch * a->k[0] + group * a->k[1] + first * a->k[2];
    const float *v = run->inputs.v + batch * a->v[0] + group * a->v[1] + first * a->v[2];
    float *output = run->output + batch * a->output[0] + head * a->output[1] + query * a->output[2], sum = 0, highest = 0;
    if (count > 0) {
        kernels->row_times_columns(count, a->width, run->inputs.q + batch * a->q[0] + head * a->q[1] + query * a->q[2], k, a->k[2], scores, false);
        const long *stride = a->bias;
        const float *bias = run->inputs.bias == NULL ? NULL
            : run->inputs.bias + batch * stride[0] + head * stride[1] + query * stride[2] + first * stride[3];
        for (long i = 0; i < count; i++) { scores[i] = scores[i] * a->scale + (bias == NULL ? 0 : bias[i * stride[3]]); }
        highest = run->level->attention.soften_row(scores, count, &sum);
        kernels->row_times_rows(a->value_width, count, scores, v, a->v[2], output, false);
    }
    for (long c = 0; c < a->value_width; c++) { output[c] = sum == 0 ? 0 : output[c] / sum; }
    float *logarithms = run->out_logarithms + 2 * ((batch * a->heads + head) * a->queries + query);
    logarithms[0] = sum == 0 ? 0 : highest;
    logarithms[1] = sum == 0 ? INFINITY : logf(sum);
}

static void run_items(long begin, long end, int part, void *context) {
    (void)part;
    attention_run *run = context;
    const soma_attention *a = run->attention;
    for (long item = begin; item < end; item++) {
        const long place = item / run->query_blocks, block = item % run->query_blocks;
        if (a->queries < fewest_queries) {
            run_row(run, place / a->heads, place % a->heads, block);
        } else {
            run_block(run, place / a->heads, place % a->heads, block * block_queries);
        }
    }
}

bool soma_attention_run(const soma_attention *attention, const soma_attention_inputs *inputs, float *output, float *logarithms) {
    attention_run run = {
        .attention = attention, .inputs = *inputs, .output = output, .out_logarithms = logarithms, .level = soma_level_current(),
        .query_blocks = attention->queries < fewest_queries ? attention->queries : (attention->queries + block_queries - 1) / block_queries,
    };
    const long work = smaller(attention->queries, block_queries) * attention->keys * (attention->width + attention->value_width);
    soma_parallel_for(attention->batch * attention->heads * run.query_blocks, 1 + 100000 / (work + 1), run_items, &run);
    return !run.lacks_memory;
}

// Gradient: of each head of keys by itself, so that no two threads add to one sum.

static void gradient_of_head(attention_run *run, long batch, long group) {
    const soma_attention *a = run->attention;
    const soma_level *level = run->level;
    const soma_matmul_kernels *kernels = &level->matmul;
    const long d = padded(a->width, level), e = padded(a->value_width, level), heads = a->heads / a->key_heads;
    float *memory = reserve(
        run, a->keys * (2 * d + e) + block_queries * (a->width + a->value_width + 2 * d + e + 3 + 3 * block_keys));
    if (memory == NULL) { return; }
    float *dk = memory, *dv = dk + a->keys * d, *key_rows = dv + a->keys * e, *turned_q = key_rows + a->keys * d;
    float *turned_g = turned_q + block_queries * a->width, *dq = turned_g + block_queries * a->value_width, *query_rows = dq + block_queries * d;
    float *g_rows = query_rows + block_queries * d, *logarithms = g_rows + block_queries * e, *own = logarithms + 2 * block_queries;
    float *scores = own + block_queries, *products = scores + block_queries * block_keys, *bias = products + block_queries * block_keys;
    memset(dk, 0, sizeof(float) * a->keys * (d + e));
    const float *k = run->inputs.k + batch * a->k[0] + group * a->k[1], *v = run->inputs.v + batch * a->v[0] + group * a->v[1];
    long k_stride = a->k[2];
    const float *k_rows = whole_rows(a->keys, a->width, d, k, &k_stride, key_rows);
    for (long head = group * heads; head < (group + 1) * heads; head++) {
        for (long query = 0; query < a->queries; query += block_queries) {
            const long queries = smaller(block_queries, a->queries - query);
            const float *q = run->inputs.q + batch * a->q[0] + head * a->q[1] + query * a->q[2];
            const float *g = run->g + batch * a->output[0] + head * a->output[1] + query * a->output[2];
            const long row = (batch * a->heads + head) * a->queries + query;
            turn(level, queries, a->width, q, a->q[2], turned_q);
            turn(level, queries, a->value_width, g, a->output[2], turned_g);
            for (long i = 0; i < block_queries; i++) {
                logarithms[i] = i < queries ? run->logarithms[2 * (row + i)] : 0;
                logarithms[block_queries + i] = i < queries ? run->logarithms[2 * (row + i) + 1] : INFINITY;
                own[i] = i < queries ? run->d[row + i] : 0;
            }
            long q_stride = a->q[2], g_stride = a->output[2];
            const float *q_rows = whole_rows(queries, a->width, d, q, &q_stride, query_rows);
            const float *g_whole = whole_rows(queries, a->value_width, e, g, &g_stride, g_rows);
            memset(dq, 0, sizeof(float) * block_queries * d);
            const key_ranges ranges = ranges_of(run, batch, query, queries);
            for (long key = ranges.least / block_keys * block_keys; key < ranges.most; key += block_keys) {
                const long keys = smaller(block_keys, ranges.most - key);
                product(kernels, keys, a->width, block_queries, k + key * a->k[2], a->k[2], 1, turned_q, block_queries, scores, block_queries, false);
                product(kernels, keys, a->value_width, block_queries, v + key * a->v[2], a->v[2], 1, turned_g, block_queries, products, block_queries,
                        false);
                const soma_attention_block block =
                    block_of(run, &ranges, key, keys, scores, bias_of(run, batch, head, query, queries, key, keys, bias));
                level->attention.gradient(&block, logarithms, own, products);
                product(kernels, keys, queries, e, scores, block_queries, 1, g_whole, g_stride, dv + key * e, e, true);
                product(kernels, keys, queries, d, products, block_queries, 1, q_rows, q_stride, dk + key * d, d, true);
                product(kernels, queries, keys, d, products, 1, block_queries, k_rows + key * k_stride, k_stride, dq, d, true);
            }
            float *target = run->dq + batch * a->dq[0] + head * a->dq[1] + query * a->dq[2];
            for (long i = 0; i < queries; i++) { memcpy(target + i * a->dq[2], dq + i * d, sizeof(float) * a->width); }
        }
    }
    for (long key = 0; key < a->keys; key++) {
        memcpy(run->dk + batch * a->dk[0] + group * a->dk[1] + key * a->dk[2], dk + key * d, sizeof(float) * a->width);
        memcpy(run->dv + batch * a->dv[0] + group * a->dv[1] + key * a->dv[2], dv + key * e, sizeof(float) * a->value_width);
    }
}

static void gradient_items(long begin, long end, int part, void *context) {
    (void)part;
    attention_run *run = context;
    for (long item = begin; item < end; item++) { gradient_of_head(run, item / run->attention->key_heads, item % run->attention->key_heads); }
}

bool soma_attention_run_gradient(
    const soma_attention *attention, const soma_attention_inputs *inputs, const float *logarithms, const float *d, const float *g, float *dq,
    float *dk, float *dv) {
    attention_run run = {
        .attention = attention, .inputs = *inputs, .logarithms = logarithms, .d = d, .g = g, .dq = dq, .dk = dk, .dv = dv,
        .level = soma_level_current(),
    };
    const long work = attention->queries * attention->keys * (attention->width + attention->value_width);
    soma_parallel_for(attention->batch * attention->key_heads, 1 + 40000 / (work + 1), gradient_items, &run);
    return !run.lacks_memory;
}
