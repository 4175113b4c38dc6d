// Scaled dot-product attention and its gradient, in blocks: nothing of the size of queries · keys is in memory.
//
//     forward        s = scale · Q·Kᵀ + bias, −∞ where a query does not see a key      O = softmax(s)·V      L = max s, log Σ exp(s − max s)
//     gradient       P = exp(s − L₀ − L₁)      dS = scale · P ∘ (G·Vᵀ − D)      dQ = dS·K      dK = dSᵀ·Q      dV = Pᵀ·G
//
// Query i stands beside key p = i + shift; it sees the keys p − behind < j ≤ p + ahead that are before the length of its sequence. Heads of
// queries share a head of keys in runs of `group`.
//
// Indexing: a work-group owns BLOCK rows, queries or keys, and walks over the others a block at a time. A work-item makes 4 × 4 scores of the
// block, and of its result 4 rows of QUADS(width) × 4 columns, BLOCK apart. The factors of the scores are staged by DEPTH features,
// transposed; the scores then lie in local memory as the first factor of the second product, whose other factor is staged by DEPTH rows.
//
//                       others (BLOCK)                      width
//                  ┌────────────────────┐             ┌───────────┐
//       own rows   │  scores, 4 × 4     │      ·      │  others   │ DEPTH rows at a time     =  result of the own rows
//       (BLOCK)    │  a work-item       │             └───────────┘
//                  └────────────────────┘
//
// The softmax goes on from block to block: with a new greatest score what was summed is multiplied by exp(before − now) (M. Milakov,
// N. Gimelshein, Online normalizer calculation for softmax, 2018; T. Dao et al., FlashAttention, NeurIPS 2022). The gradient makes the weights
// again. Its two kernels own queries and keys, so that nobody adds to another's sums and these are always taken in the same order.
//
// Launch: one dimension, groups of ITEMS work-items. soma_attention, soma_attention_query: a group for each sequence, head and block of
// queries; soma_attention_key: for each sequence, head of keys and block of keys.

#ifndef WIDTH
#define WIDTH 64  // features of a head of queries and keys
#endif
#ifndef VALUE_WIDTH
#define VALUE_WIDTH 64  // features of a head of values
#endif
#ifndef BLOCK
#define BLOCK 64  // rows of a block: 64, 32 or 16
#endif
#ifndef DEPTH
#define DEPTH 16  // features or rows that are staged at once, a divisor of BLOCK and at least a quarter of it
#endif
#ifndef VECTORS
#define VECTORS 4  // 4 reads and writes 128 bits at a time; 1 where widths, strides or alignment refuse that
#endif
#ifndef HAS_LENGTHS
#define HAS_LENGTHS 0  // 1 where sequences have lengths
#endif
#ifndef HAS_BIAS
#define HAS_BIAS 0  // 1 where something is added to the scores
#endif

#define LANES (BLOCK / 4)           // work-items across a block
#define ITEMS (LANES * LANES)
#define LEAD (BLOCK + 4)            // floats from line to line of local memory, against bank conflicts
#define PARTS (BLOCK / 16)          // work-items that share a row of scores in the softmax
#define QUADS(width) (((width) + BLOCK - 1) / BLOCK)
#define MOST_QUADS SOMA_MAX(QUADS(WIDTH), QUADS(VALUE_WIDTH))
#define STAGE_SIZE SOMA_MAX(2 * DEPTH * LEAD, DEPTH * BLOCK * MOST_QUADS)
// Lanes of 32 neighbouring work-items: 8 along columns and 4 along rows.
#define NEAR SOMA_MIN(8, LANES)

#define DECLARE_BLOCK \
    local float stage[STAGE_SIZE] __attribute__((aligned(16))), tile[BLOCK * LEAD] __attribute__((aligned(16))); \
    const float4 zero = SOMA_FLOAT4(0.0f, 0.0f, 0.0f, 0.0f); \
    const int item = get_local_id(0); \
    const int lane_x = item / (NEAR * 4) % (LANES / NEAR) * NEAR + item % NEAR, lane_y = item / (NEAR * 4) / (LANES / NEAR) * 4 + item / NEAR % 4;

// The rows and columns of a work-item begin here.
#define ROW (lane_y * 4)
#define COLUMN(q) ((q) * BLOCK + lane_x * 4)

// Number j of quad q of row i.
#define SUM(sums, i, q, j) (((float *)&sums[i][q])[j])

#define CLEAR(sums, quads) \
    _Pragma("unroll") for (int i = 0; i < 4; i++) \
        _Pragma("unroll") for (int q = 0; q < (quads); q++) sums[i][q] = zero;

// Four neighbours, of which `inside` lie within the matrix; the others are zero.
#define READ_QUAD(quad, pointer, inside) \
    float4 quad = zero; \
    if (VECTORS == 4) { \
        if ((inside) > 0) quad = *(global const float4 *)(pointer); \
    } else { \
        if ((inside) > 0) quad.x = (pointer)[0]; \
        if ((inside) > 1) quad.y = (pointer)[1]; \
        if ((inside) > 2) quad.z = (pointer)[2]; \
        if ((inside) > 3) quad.w = (pointer)[3]; \
    }

// DEPTH features of BLOCK rows to local memory, where they lie [feature][row].
#define STAGE_TURNED(to, from, stride, row0, end, feature0, width) \
    _Pragma("unroll") for (int n = item; n < BLOCK * DEPTH / 4; n += ITEMS) { \
        const int row = n / (DEPTH / 4), feature = n % (DEPTH / 4) * 4; \
        const int inside = (row0) + row < (end) ? (width) - (feature0) - feature : 0; \
        READ_QUAD(quad, (from) + (soma_index)((row0) + row) * (stride) + (feature0) + feature, inside) \
        (to)[(feature + 0) * LEAD + row] = quad.x; \
        (to)[(feature + 1) * LEAD + row] = quad.y; \
        (to)[(feature + 2) * LEAD + row] = quad.z; \
        (to)[(feature + 3) * LEAD + row] = quad.w; \
    }

// DEPTH whole rows to local memory.
#define STAGE_ROWS(to, from, stride, row0, end, width) \
    _Pragma("unroll") for (int n = item; n < DEPTH * LANES * QUADS(width); n += ITEMS) { \
        const int row = n / (LANES * QUADS(width)), column = n % (LANES * QUADS(width)) * 4; \
        const int inside = (row0) + row < (end) ? (width) - column : 0; \
        READ_QUAD(quad, (from) + (soma_index)((row0) + row) * (stride) + column, inside) \
        *(local float4 *)&(to)[row * (BLOCK * QUADS(width)) + column] = quad; \
    }

#define MULTIPLY_ADD(sum, factor, line) \
    sum.x = soma_multiply_add_float(factor, line.x, sum.x); \
    sum.y = soma_multiply_add_float(factor, line.y, sum.y); \
    sum.z = soma_multiply_add_float(factor, line.z, sum.z); \
    sum.w = soma_multiply_add_float(factor, line.w, sum.w);

// Adds the product of DEPTH lines of both factors to the sums.
#define MULTIPLY(sums, quads, a, b, b_lead) \
    _Pragma("unroll") for (int depth = 0; depth < DEPTH; depth++) { \
        const float4 column = *(local const float4 *)&(a)[depth * LEAD + ROW]; \
        _Pragma("unroll") for (int q = 0; q < (quads); q++) { \
            const float4 line = *(local const float4 *)&(b)[depth * (b_lead) + COLUMN(q)]; \
            MULTIPLY_ADD(sums[0][q], column.x, line) \
            MULTIPLY_ADD(sums[1][q], column.y, line) \
            MULTIPLY_ADD(sums[2][q], column.z, line) \
            MULTIPLY_ADD(sums[3][q], column.w, line) \
        } \
    }

// The products of own rows with other rows. All work-items must have left the stage, and leave it again.
#define MULTIPLY_ROWS(sums, own, own_stride, own0, own_end, other, other_stride, other0, other_end, width) \
    CLEAR(sums, 1) \
    _Pragma("unroll 1") for (int feature0 = 0; feature0 < (width); feature0 += DEPTH) { \
        STAGE_TURNED(stage, own, own_stride, own0, own_end, feature0, width) \
        STAGE_TURNED(stage + DEPTH * LEAD, other, other_stride, other0, other_end, feature0, width) \
        barrier(CLK_LOCAL_MEM_FENCE); \
        MULTIPLY(sums, 1, stage, stage + DEPTH * LEAD, LEAD) \
        barrier(CLK_LOCAL_MEM_FENCE); \
    }

// Adds the product of the tile with other rows.
#define ADD_TILE_PRODUCT(sums, other, stride, other0, end, width) \
    _Pragma("unroll 1") for (int row0 = 0; row0 < SOMA_MIN(BLOCK, (end) - (other0)); row0 += DEPTH) { \
        STAGE_ROWS(stage, other, stride, (other0) + row0, end, width) \
        barrier(CLK_LOCAL_MEM_FENCE); \
        MULTIPLY(sums, QUADS(width), tile + row0 * LEAD, stage, BLOCK * QUADS(width)) \
        barrier(CLK_LOCAL_MEM_FENCE); \
    }

// A work-item's numbers to the tile, where they lie [column][row]. All work-items must have left it.
#define WRITE_TILE(values) \
    _Pragma("unroll") for (int j = 0; j < 4; j++) \
        *(local float4 *)&tile[(COLUMN(0) + j) * LEAD + ROW] = \
            SOMA_FLOAT4(SUM(values, 0, 0, j), SUM(values, 1, 0, j), SUM(values, 2, 0, j), SUM(values, 3, 0, j));

// Multiplies row i of a result by a factor.
#define SCALE_ROWS(sums, factor, width) \
    _Pragma("unroll") for (int i = 0; i < 4; i++) { \
        const float scale_of_row = factor; \
        _Pragma("unroll") for (int q = 0; q < QUADS(width); q++) { \
            sums[i][q].x *= scale_of_row; \
            sums[i][q].y *= scale_of_row; \
            sums[i][q].z *= scale_of_row; \
            sums[i][q].w *= scale_of_row; \
        } \
    }

// The rows of a result that there are.
#define WRITE_ROWS(to, stride, row0, end, sums, width) \
    _Pragma("unroll") for (int i = 0; i < 4; i++) { \
        if ((row0) + ROW + i >= (end)) continue; \
        global float *target = (to) + (soma_index)((row0) + ROW + i) * (stride); \
        _Pragma("unroll") for (int q = 0; q < QUADS(width); q++) { \
            if (VECTORS == 4) { \
                if (COLUMN(q) < (width)) *(global float4 *)(target + COLUMN(q)) = sums[i][q]; \
            } else { \
                _Pragma("unroll") for (int j = 0; j < 4; j++) \
                    if (COLUMN(q) + j < (width)) target[COLUMN(q) + j] = SUM(sums, i, q, j); \
            } \
        } \
    }

#define SEES(query, key) ((key) - (query) - shift <= ahead && (query) + shift - (key) < behind && (key) < length)

#if HAS_BIAS
#define BIAS(query, key) + bias[(soma_index)(query) * bias_query + (soma_index)(key) * bias_key]
#else
#define BIAS(query, key)
#endif

#if HAS_LENGTHS
#define LENGTH clamp(lengths[lengths_offset + batch], 0, keys)
#else
#define LENGTH keys
#endif

// Which of a head's queries a group owns, and the keys that any of them sees. Late blocks see the most keys where they see none ahead.
#define FIND_QUERIES \
    const int block = blocks - 1 - (int)get_group_id(0) % blocks, head_place = (int)get_group_id(0) / blocks; \
    const int batch = head_place / heads, head = head_place % heads, key_head = head / group; \
    const int length = LENGTH, query0 = block * BLOCK, query_end = SOMA_MIN(query0 + BLOCK, queries); \
    const int first_key = SOMA_MAX(0, query0 + shift - behind + 1), end_key = SOMA_MIN(length, query_end + shift + ahead);

//@ section forward
kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void soma_attention(
    //@ parameters
) {
    DECLARE_BLOCK
    local float partial[PARTS * BLOCK], factors[BLOCK] __attribute__((aligned(16)));
    FIND_QUERIES
    q += q_offset + (long)batch * q_batch + (long)head * q_head;
    k += k_offset + (long)batch * k_batch + (long)key_head * k_head;
    v += v_offset + (long)batch * v_batch + (long)key_head * v_head;
#if HAS_BIAS
    bias += bias_offset + (long)batch * bias_batch + (long)head * bias_head;
#endif

    float4 output[4][QUADS(VALUE_WIDTH)], scores[4][1];
    CLEAR(output, QUADS(VALUE_WIDTH))
    // In the softmax a work-item takes the 16 keys of a part for one row: the greatest score of the row, and the sum of the part.
    const int softmax_row = item % BLOCK, part = item / BLOCK;
    float greatest = -INFINITY, total = 0.0f;

    for (int key0 = first_key; key0 < end_key; key0 += BLOCK) {
        MULTIPLY_ROWS(scores, q, q_row, query0, query_end, k, k_row, key0, end_key, WIDTH)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int query = query0 + ROW + i;
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const int key = key0 + COLUMN(0) + j;
                SUM(scores, i, 0, j) = query < queries && SEES(query, key) ? SUM(scores, i, 0, j) * scale BIAS(query, key) : -INFINITY;
            }
        }
        WRITE_TILE(scores)
        barrier(CLK_LOCAL_MEM_FENCE);

        local float *weights = tile + part * 16 * LEAD + softmax_row;
        const float before = greatest;
#pragma unroll
        for (int n = 0; n < 16; n++) greatest = weights[n * LEAD] > greatest ? weights[n * LEAD] : greatest;
        partial[item] = greatest;
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (int n = 0; n < PARTS; n++) greatest = SOMA_MAX(greatest, partial[n * BLOCK + softmax_row]);
        // Where nothing was seen yet, exponentials are 0 relative to anything.
        const float reference = greatest == -INFINITY ? 0.0f : greatest;
        const float factor = before == greatest ? 1.0f : soma_exp_float(before - reference);
        float sum = 0.0f;
#pragma unroll
        for (int n = 0; n < 16; n++) {
            const float weight = soma_exp_float(weights[n * LEAD] - reference);
            weights[n * LEAD] = weight;
            sum += weight;
        }
        total = total * factor + sum;
        if (part == 0) factors[softmax_row] = factor;
        barrier(CLK_LOCAL_MEM_FENCE);

        SCALE_ROWS(output, factors[ROW + i], VALUE_WIDTH)
        ADD_TILE_PRODUCT(output, v, v_row, key0, end_key, VALUE_WIDTH)
    }

    partial[item] = total;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (part == 0) {
        float sum = 0.0f;
        for (int n = 0; n < PARTS; n++) sum += partial[n * BLOCK + softmax_row];
        // The sums of a query that sees nothing are 0 divided by anything.
        factors[softmax_row] = sum == 0.0f ? 1.0f : sum;
        if (query0 + softmax_row < queries) {
            global float *logarithm = l + l_offset + 2 * ((soma_index)head_place * queries + query0 + softmax_row);
            logarithm[0] = sum == 0.0f ? 0.0f : greatest;
            logarithm[1] = sum == 0.0f ? INFINITY : soma_log_float(sum);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    SCALE_ROWS(output, 1.0f / factors[ROW + i], VALUE_WIDTH)
    o += o_offset + (long)batch * o_batch + (long)head * o_head;
    WRITE_ROWS(o, o_row, query0, queries, output, VALUE_WIDTH)
}

//@ section gradient
// A weight made again, and what the product of query and key gets of the gradient; 0 of what is not seen, whatever it holds.
#define FIND_WEIGHT(weight, product, query, key, logarithm, own) \
    const int is_seen = (query) < queries && SEES(query, key); \
    const float found = is_seen ? soma_exp_float(weight * scale BIAS(query, key) - (logarithm).x - (logarithm).y) : 0.0f; \
    product = is_seen ? found * (product - (own)) * scale : 0.0f; \
    weight = found;

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void soma_attention_query(
    //@ query parameters
) {
    DECLARE_BLOCK
    FIND_QUERIES
    q += q_offset + (long)batch * q_batch + (long)head * q_head;
    g += g_offset + (long)batch * g_batch + (long)head * g_head;
    k += k_offset + (long)batch * k_batch + (long)key_head * k_head;
    v += v_offset + (long)batch * v_batch + (long)key_head * v_head;
    l += l_offset + (soma_index)head_place * queries * 2;
    d += d_offset + (soma_index)head_place * queries;
#if HAS_BIAS
    bias += bias_offset + (long)batch * bias_batch + (long)head * bias_head;
#endif

    float4 result[4][QUADS(WIDTH)], weights[4][1], products[4][1];
    CLEAR(result, QUADS(WIDTH))

    for (int key0 = first_key; key0 < end_key; key0 += BLOCK) {
        MULTIPLY_ROWS(weights, q, q_row, query0, query_end, k, k_row, key0, end_key, WIDTH)
        MULTIPLY_ROWS(products, g, g_row, query0, query_end, v, v_row, key0, end_key, VALUE_WIDTH)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            // Read for each block: kept from one to the next, Intel's compiler for processors gets them wrong.
            const int query = query0 + ROW + i, known_query = SOMA_MIN(query, queries - 1);
            const float2 logarithm = (float2)(l[2 * known_query], l[2 * known_query + 1]);
            const float own = d[known_query];
#pragma unroll
            for (int j = 0; j < 4; j++) {
                FIND_WEIGHT(SUM(weights, i, 0, j), SUM(products, i, 0, j), query, key0 + COLUMN(0) + j, logarithm, own)
            }
        }
        WRITE_TILE(products)
        ADD_TILE_PRODUCT(result, k, k_row, key0, end_key, WIDTH)
    }
    dq += dq_offset + (long)batch * dq_batch + (long)head * dq_head;
    WRITE_ROWS(dq, dq_row, query0, queries, result, WIDTH)
}

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void soma_attention_key(
    //@ key parameters
) {
    DECLARE_BLOCK
    const int key0 = (int)get_group_id(0) % blocks * BLOCK, head_place = (int)get_group_id(0) / blocks;
    const int key_heads = heads / group, batch = head_place / key_heads, key_head = head_place % key_heads;
    const int length = LENGTH, end_key = SOMA_MIN(key0 + BLOCK, length);
    // The queries that see any of them.
    const int first_query = SOMA_MAX(0, key0 - ahead - shift), end_query = key0 < length ? SOMA_MIN(queries, end_key - 1 + behind - shift) : 0;
    k += k_offset + (long)batch * k_batch + (long)key_head * k_head;
    v += v_offset + (long)batch * v_batch + (long)key_head * v_head;
    q += q_offset + (long)batch * q_batch;
    g += g_offset + (long)batch * g_batch;
#if HAS_BIAS
    global const float *all_bias = bias + bias_offset + (long)batch * bias_batch;
#endif

    float4 key_result[4][QUADS(WIDTH)], value_result[4][QUADS(VALUE_WIDTH)], weights[4][1], products[4][1];
    CLEAR(key_result, QUADS(WIDTH))
    CLEAR(value_result, QUADS(VALUE_WIDTH))

    for (int head = key_head * group; head < (key_head + 1) * group; head++) {
        global const float *head_q = q + (long)head * q_head, *head_g = g + (long)head * g_head;
        const soma_index first_row = ((soma_index)batch * heads + head) * queries;
#if HAS_BIAS
        bias = all_bias + (long)head * bias_head;
#endif
        for (int query0 = first_query; query0 < end_query; query0 += BLOCK) {
            MULTIPLY_ROWS(weights, k, k_row, key0, end_key, head_q, q_row, query0, end_query, WIDTH)
            MULTIPLY_ROWS(products, v, v_row, key0, end_key, head_g, g_row, query0, end_query, VALUE_WIDTH)
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const int query = query0 + COLUMN(0) + j, known_query = SOMA_MIN(query, queries - 1);
                global const float *known = l + l_offset + 2 * (first_row + known_query);
                const float2 logarithm = (float2)(known[0], known[1]);
                const float own = d[d_offset + first_row + known_query];
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    FIND_WEIGHT(SUM(weights, i, 0, j), SUM(products, i, 0, j), query, key0 + ROW + i, logarithm, own)
                }
            }
            WRITE_TILE(weights)
            ADD_TILE_PRODUCT(value_result, head_g, g_row, query0, end_query, VALUE_WIDTH)
            WRITE_TILE(products)
            ADD_TILE_PRODUCT(key_result, head_q, q_row, query0, end_query, WIDTH)
        }
    }
    dk += dk_offset + (long)batch * dk_batch + (long)key_head * dk_head;
    dv += dv_offset + (long)batch * dv_batch + (long)key_head * dv_head;
    WRITE_ROWS(dk, dk_row, key0, keys, key_result, WIDTH)
    WRITE_ROWS(dv, dv_row, key0, keys, value_result, VALUE_WIDTH)
}
