// Attention on a CPU-like device: what attention.cl computes. A work-item owns 32 rows, queries or keys, and walks over the others by WALKED.
//
// Scores lie [other row][own row], own rows side by side: the features of an other row are multiplied with vectors of own rows, which are
// turned beforehand, the softmax of a query runs down a lane, and the second product reads eight weights at a time.
//
//                  own rows turned                    own rows                          packed others
//                  [feature][32]                      [other][32]                       [other][column]
//                  ┌─────────┐                        ┌─────────┐                       ┌─────────┐
//     other rows   │ b0 │ b1 │                        │ weights │     turned            │ b0 │ b1 │
//     [8][feature] └─────────┘  =  8 rows of scores   └─────────┘     8 own rows    ·   └─────────┘   added to [8][32] of the result
//
// Launch: one dimension, groups of one work-item. soma_attention, soma_attention_query: a work-item for each sequence, head and 32 queries;
// soma_attention_key: for each sequence, head of keys and 32 keys.

#ifndef WIDTH
#define WIDTH 64  // features of a head of queries and keys
#endif
#ifndef VALUE_WIDTH
#define VALUE_WIDTH 64  // features of a head of values
#endif
#ifndef WALKED
#define WALKED 32  // other rows that are taken at once
#endif
#ifndef HAS_LENGTHS
#define HAS_LENGTHS 0  // 1 where sequences have lengths
#endif
#ifndef HAS_BIAS
#define HAS_BIAS 0  // 1 where something is added to the scores
#endif

#define PANELS(width) (((width) + PANEL_N - 1) / PANEL_N)
#define MOST_PANELS SOMA_MAX(PANELS(WIDTH), PANELS(VALUE_WIDTH))

#define EACH_LANE SOMA_VECTORIZE for (int lane = 0; lane < PANEL_N; lane++)

#define CLEAR(sums, width) \
    for (int panel = 0; panel < PANELS(width); panel++) \
        for (int row = 0; row < PANEL_N; row++) EACH_LANE sums[panel][row][lane] = 0.0f;

// The features of own rows as [feature][row]; zero beyond the last row.
#define TURN(turned, from, stride, row0, end, width) \
    for (int row = 0; row < PANEL_N; row++) \
        for (int feature = 0; feature < (width); feature++) \
            turned[feature][row] = (row0) + row < (end) ? (from)[(soma_index)((row0) + row) * (stride) + feature] : 0.0f;

// Other rows as [row][column], zero beyond the last column: vectors of them can be read anywhere.
#define PACK(from, stride, rows, width) \
    for (int row = 0; row < (rows); row++) { \
        SOMA_VECTORIZE for (int column = 0; column < (width); column++) packed[row][column] = (from)[(soma_index)row * (stride) + column]; \
        for (int column = (width); column < PANELS(width) * PANEL_N; column++) packed[row][column] = 0.0f; \
    }

// Beyond the last row the last one is read again: nobody reads what comes of it.
#define FIND_LINE(row, from) global const float *line##row = (from) + (soma_index)SOMA_MIN(first + row, rows - 1) * line_stride;
#define MULTIPLY_LINE(row, feature) \
    c##row##0 = MULTIPLY_ADD((float16)(line##row[feature]), b0, c##row##0); \
    c##row##1 = MULTIPLY_ADD((float16)(line##row[feature]), b1, c##row##1);

// The products of other rows with own rows.
#define MULTIPLY_ROWS(result, from, stride, count, turned, width) \
    for (int first = 0, rows = (count); first < rows; first += PANEL_M) { \
        const soma_index line_stride = (stride); \
        EACH_ROW(FIND_LINE, from) \
        DECLARE_TILE \
        for (int feature = 0; feature < (width); feature++) { \
            const float16 b0 = vload16(0, turned[feature]), b1 = vload16(1, turned[feature]); \
            EACH_ROW(MULTIPLY_LINE, feature) \
        } \
        EACH_ROW(STORE_ROW, result + first) \
    }

// Adds to own rows the packed other rows, weighted.
#define ADD_PRODUCT(sums, weights, rows, width) \
    for (int panel = 0; panel < PANELS(width); panel++) \
        for (int first = 0; first < PANEL_N; first += PANEL_M) { \
            DECLARE_TILE \
            for (int step = 0; step < (rows); step++) { \
                const float16 b0 = vload16(0, packed[step] + panel * PANEL_N), b1 = vload16(1, packed[step] + panel * PANEL_N); \
                EACH_ROW(MULTIPLY_ADD_ROW, weights[step] + first) \
            } \
            EACH_ROW(ADD_ROW, sums[panel] + first) \
        }

// The own rows of a result that there are.
#define WRITE_ROWS(to, stride, row0, end, sums, width) \
    for (int row = 0; row < SOMA_MIN(PANEL_N, (end) - (row0)); row++) \
        for (int panel = 0; panel < PANELS(width); panel++) { \
            const int columns = SOMA_MIN(PANEL_N, (width) - panel * PANEL_N); \
            global float *target = (to) + (soma_index)((row0) + row) * (stride) + panel * PANEL_N; \
            SOMA_VECTORIZE for (int column = 0; column < columns; column++) target[column] = sums[panel][row][column]; \
        }

// No short cuts, so that vectors can be made of it.
#define SEES(query, key) (((key) - (query) - shift <= ahead) & ((query) + shift - (key) < behind) & ((key) < length))

// Lanes beyond the last row read the bias of the last.
#if HAS_BIAS
#define BIAS(query, key) \
    + bias[(soma_index)SOMA_MIN(query, queries - 1) * bias_query + (soma_index)SOMA_MIN(key, keys - 1) * bias_key]
#else
#define BIAS(query, key)
#endif

#if HAS_LENGTHS
#define LENGTH clamp(lengths[lengths_offset + batch], 0, keys)
#else
#define LENGTH keys
#endif

// Which of a head's queries a work-item owns, and the keys that any of them sees.
#define FIND_QUERIES \
    const int query0 = (int)get_global_id(0) % blocks * PANEL_N, head_place = (int)get_global_id(0) / blocks; \
    const int batch = head_place / heads, head = head_place % heads, key_head = head / group; \
    const int length = LENGTH, query_end = SOMA_MIN(query0 + PANEL_N, queries); \
    const int first_key = SOMA_MAX(0, query0 + shift - behind + 1), end_key = SOMA_MIN(length, query_end + shift + ahead);

//@ section forward
kernel void soma_attention(
    //@ parameters
) {
    FIND_QUERIES
    q += q_offset + (long)batch * q_batch + (long)head * q_head;
    k += k_offset + (long)batch * k_batch + (long)key_head * k_head;
    v += v_offset + (long)batch * v_batch + (long)key_head * v_head;
#if HAS_BIAS
    bias += bias_offset + (long)batch * bias_batch + (long)head * bias_head;
#endif

    float turned[WIDTH][PANEL_N], weights[WALKED][PANEL_N], packed[WALKED][PANELS(VALUE_WIDTH) * PANEL_N];
    float output[PANELS(VALUE_WIDTH)][PANEL_N][PANEL_N], greatest[PANEL_N], total[PANEL_N], sums[PANEL_N], factors[PANEL_N];
    TURN(turned, q, q_row, query0, query_end, WIDTH)
    CLEAR(output, VALUE_WIDTH)
    EACH_LANE {
        greatest[lane] = -INFINITY;
        total[lane] = 0.0f;
    }

    for (int key0 = first_key; key0 < end_key; key0 += WALKED) {
        const int count = SOMA_MIN(WALKED, end_key - key0);
        MULTIPLY_ROWS(weights, k + (soma_index)key0 * k_row, k_row, count, turned, WIDTH)
        EACH_LANE factors[lane] = greatest[lane];
        for (int row = 0; row < count; row++)
            EACH_LANE {
                const float score = weights[row][lane] * scale BIAS(query0 + lane, key0 + row);
                const float seen = SEES(query0 + lane, key0 + row) ? score : -INFINITY;
                weights[row][lane] = seen;
                greatest[lane] = seen > greatest[lane] ? seen : greatest[lane];
            }
        EACH_LANE {
            // Where nothing was seen yet, exponentials are 0 relative to anything.
            const float reference = greatest[lane] == -INFINITY ? 0.0f : greatest[lane];
            const float factor = soma_exp_float(factors[lane] - reference);
            factors[lane] = factors[lane] == greatest[lane] ? 1.0f : factor;
            sums[lane] = 0.0f;
        }
        for (int row = 0; row < count; row++)
            EACH_LANE {
                const float weight = soma_exp_float(weights[row][lane] - (greatest[lane] == -INFINITY ? 0.0f : greatest[lane]));
                weights[row][lane] = weight;
                sums[lane] += weight;
            }
        EACH_LANE total[lane] = total[lane] * factors[lane] + sums[lane];
        for (int panel = 0; panel < PANELS(VALUE_WIDTH); panel++)
            for (int row = 0; row < PANEL_N; row++) EACH_LANE output[panel][row][lane] *= factors[row];
        PACK(v + (soma_index)key0 * v_row, v_row, count, VALUE_WIDTH)
        ADD_PRODUCT(output, weights, count, VALUE_WIDTH)
    }

    for (int row = 0; row < query_end - query0; row++) {
        const float sum = total[row];
        global float *logarithm = l + l_offset + 2 * ((soma_index)head_place * queries + query0 + row);
        logarithm[0] = sum == 0.0f ? 0.0f : greatest[row];
        logarithm[1] = sum == 0.0f ? INFINITY : soma_log_float(sum);
        // The sums of a query that sees nothing are 0 divided by anything.
        const float factor = 1.0f / (sum == 0.0f ? 1.0f : sum);
        for (int panel = 0; panel < PANELS(VALUE_WIDTH); panel++) EACH_LANE output[panel][row][lane] *= factor;
    }
    o += o_offset + (long)batch * o_batch + (long)head * o_head;
    WRITE_ROWS(o, o_row, query0, queries, output, VALUE_WIDTH)
}

//@ section gradient
// A weight made again, and what the product of query and key gets of the gradient; 0 of what is not seen, whatever it holds.
#define FIND_WEIGHT(weight, product, query, key, logarithm, own) { \
    const float found = soma_exp_float(weight * scale BIAS(query, key) - (logarithm).x - (logarithm).y), of_score = found * (product - (own)) * scale; \
    const int is_seen = ((query) < queries) & SEES(query, key); \
    weight = is_seen ? found : 0.0f; \
    product = is_seen ? of_score : 0.0f; \
}

kernel void soma_attention_query(
    //@ query parameters
) {
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

    float turned_q[WIDTH][PANEL_N], turned_g[VALUE_WIDTH][PANEL_N], weights[WALKED][PANEL_N], products[WALKED][PANEL_N];
    float packed[WALKED][PANELS(WIDTH) * PANEL_N], result[PANELS(WIDTH)][PANEL_N][PANEL_N], owns[PANEL_N];
    float2 logarithms[PANEL_N];
    TURN(turned_q, q, q_row, query0, query_end, WIDTH)
    TURN(turned_g, g, g_row, query0, query_end, VALUE_WIDTH)
    CLEAR(result, WIDTH)
    for (int row = 0; row < PANEL_N; row++) {
        const int known = 2 * SOMA_MIN(query0 + row, queries - 1);
        logarithms[row] = (float2)(l[known], l[known + 1]);
        owns[row] = d[SOMA_MIN(query0 + row, queries - 1)];
    }

    for (int key0 = first_key; key0 < end_key; key0 += WALKED) {
        const int count = SOMA_MIN(WALKED, end_key - key0);
        MULTIPLY_ROWS(weights, k + (soma_index)key0 * k_row, k_row, count, turned_q, WIDTH)
        MULTIPLY_ROWS(products, v + (soma_index)key0 * v_row, v_row, count, turned_g, VALUE_WIDTH)
        for (int row = 0; row < count; row++)
            EACH_LANE FIND_WEIGHT(weights[row][lane], products[row][lane], query0 + lane, key0 + row, logarithms[lane], owns[lane])
        PACK(k + (soma_index)key0 * k_row, k_row, count, WIDTH)
        ADD_PRODUCT(result, products, count, WIDTH)
    }
    dq += dq_offset + (long)batch * dq_batch + (long)head * dq_head;
    WRITE_ROWS(dq, dq_row, query0, queries, result, WIDTH)
}

kernel void soma_attention_key(
    //@ key parameters
) {
    const int key0 = (int)get_global_id(0) % blocks * PANEL_N, head_place = (int)get_global_id(0) / blocks;
    const int key_heads = heads / group, batch = head_place / key_heads, key_head = head_place % key_heads;
    const int length = LENGTH, end_key = SOMA_MIN(key0 + PANEL_N, length);
    // The queries that see any of them.
    const int first_query = SOMA_MAX(0, key0 - ahead - shift), end_query = key0 < length ? SOMA_MIN(queries, end_key - 1 + behind - shift) : 0;
    k += k_offset + (long)batch * k_batch + (long)key_head * k_head;
    v += v_offset + (long)batch * v_batch + (long)key_head * v_head;
#if HAS_BIAS
    global const float *all_bias = bias + bias_offset + (long)batch * bias_batch;
#endif

    float turned_k[WIDTH][PANEL_N], turned_v[VALUE_WIDTH][PANEL_N], weights[WALKED][PANEL_N], products[WALKED][PANEL_N];
    float packed[WALKED][MOST_PANELS * PANEL_N], key_result[PANELS(WIDTH)][PANEL_N][PANEL_N], value_result[PANELS(VALUE_WIDTH)][PANEL_N][PANEL_N];
    TURN(turned_k, k, k_row, key0, end_key, WIDTH)
    TURN(turned_v, v, v_row, key0, end_key, VALUE_WIDTH)
    CLEAR(key_result, WIDTH)
    CLEAR(value_result, VALUE_WIDTH)

    for (int head = key_head * group; head < (key_head + 1) * group; head++) {
        global const float *head_q = q + q_offset + (long)batch * q_batch + (long)head * q_head;
        global const float *head_g = g + g_offset + (long)batch * g_batch + (long)head * g_head;
        const soma_index first_row = ((soma_index)batch * heads + head) * queries;
#if HAS_BIAS
        bias = all_bias + (long)head * bias_head;
#endif
        for (int query0 = first_query; query0 < end_query; query0 += WALKED) {
            const int count = SOMA_MIN(WALKED, end_query - query0);
            MULTIPLY_ROWS(weights, head_q + (soma_index)query0 * q_row, q_row, count, turned_k, WIDTH)
            MULTIPLY_ROWS(products, head_g + (soma_index)query0 * g_row, g_row, count, turned_v, VALUE_WIDTH)
            for (int row = 0; row < count; row++) {
                global const float *known = l + l_offset + 2 * (first_row + query0 + row);
                const float2 logarithm = (float2)(known[0], known[1]);
                const float own = d[d_offset + first_row + query0 + row];
                EACH_LANE FIND_WEIGHT(weights[row][lane], products[row][lane], query0 + row, key0 + lane, logarithm, own)
            }
            PACK(head_g + (soma_index)query0 * g_row, g_row, count, VALUE_WIDTH)
            ADD_PRODUCT(value_result, weights, count, VALUE_WIDTH)
            PACK(head_q + (soma_index)query0 * q_row, q_row, count, WIDTH)
            ADD_PRODUCT(key_result, products, count, WIDTH)
        }
    }
    dk += dk_offset + (long)batch * dk_batch + (long)key_head * dk_head;
    dv += dv_offset + (long)batch * dv_batch + (long)key_head * dv_head;
    WRITE_ROWS(dk, dk_row, key0, keys, key_result, WIDTH)
    WRITE_ROWS(dv, dv_row, key0, keys, value_result, VALUE_WIDTH)
}
