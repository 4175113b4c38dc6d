// A batch of matrix products with a fused epilogue: C[z] = A[z]·B[z], each element of C handed to generated text.
//
// Operands: A is [batch, m, k] and B [batch, k, n]; in each one axis of the matrix has stride 1 and the other `lead`. Any m, n, k: what lies
// outside is read as zero and not written.
//
// Indexing: a work-group makes one TILE_M × TILE_N tile of C (see tile.cl) and walks over k in steps of TILE_K. The group's number counts
// tiles in bands of rows of tiles, then batches, then segments of k.
// Launch: one dimension, (TILE_M/THREAD_M)·(TILE_N/THREAD_N) work-items a group.
//
//               B (k × n)
//                ┌────────┐ TILE_K
//                │  Bs    │
//                └────────┘
//    A (m × k)   ┌────────┐
//     ┌────┐     │  tile  │
//     │ As │     │  of C  │
//     └────┘     └────────┘
//     TILE_K
//
// A step of k: the next tiles of A and B are read from memory into registers; the present ones are multiplied from local memory, where A
// lies transposed so that both are read 128 bits at a time; the registers go to the other half of local memory.
// One barrier a step.

#ifndef A_TRANSPOSED
#define A_TRANSPOSED 0  // 1 where m is A's axis of stride 1, 0 where k is
#endif
#ifndef B_TRANSPOSED
#define B_TRANSPOSED 0  // 1 where k is B's axis of stride 1, 0 where n is
#endif
#ifndef A_WIDTH
#define A_WIDTH 4  // 4 reads A 128 bits at a time; 1 where extent, stride or alignment refuse that
#endif
#ifndef B_WIDTH
#define B_WIDTH 4  // the same for B
#endif
#ifndef SEGMENTS
#define SEGMENTS 0  // 1: only a segment of k, the sum goes to a workspace [segment, batch, m, n] and another kernel adds them up
#endif

// Quads of four floats that a work-item carries from memory to local memory in a step.
#define A_QUADS (TILE_M * TILE_K / 4 / ITEMS)
#define B_QUADS (TILE_N * TILE_K / 4 / ITEMS)

// Four neighbours along an operand's axis of stride 1, of which `inside` lie within the matrix; the others are zero.
#define READ_QUAD(WIDTH, quad, pointer, inside) \
    if (WIDTH == 4) { \
        quad = (inside) > 0 ? *(global const float4 *)(pointer) : zero; \
    } else { \
        quad = zero; \
        if ((inside) > 0) quad.x = (pointer)[0]; \
        if ((inside) > 1) quad.y = (pointer)[1]; \
        if ((inside) > 2) quad.z = (pointer)[2]; \
        if ((inside) > 3) quad.w = (pointer)[3]; \
    }

// A tile of an operand has two axes, `cross` (m or n) and `depth` (k). Quad q of a work-item is number item + q·ITEMS of the tile.
// TRANSPOSED tells whether quads run along the depth and must be turned.
#define CROSS(TRANSPOSED, TILE, q) (TRANSPOSED ? (item + (q) * ITEMS) / (TILE_K / 4) : (item + (q) * ITEMS) % (TILE / 4) * 4)
#define DEPTH(TRANSPOSED, TILE, q) (TRANSPOSED ? (item + (q) * ITEMS) % (TILE_K / 4) * 4 : (item + (q) * ITEMS) / (TILE / 4))

// Where the quads of the first tile lie. Those beyond the edge of C read what lies at the edge: they only make sums that nobody keeps, and
// no step needs to ask.
#define FIND_QUADS(TRANSPOSED, WIDTH, QUADS, TILE, pointers, base, lead, cross0, cross_end) \
    _Pragma("unroll") for (int q = 0; q < QUADS; q++) { \
        const int cross = cross0 + CROSS(TRANSPOSED, TILE, q), depth = DEPTH(TRANSPOSED, TILE, q); \
        const int kept = SOMA_MIN(cross, cross_end - (TRANSPOSED ? 1 : WIDTH)); \
        pointers[q] = base + (TRANSPOSED ? (soma_index)kept * lead + depth : (soma_index)depth * lead + kept); \
    }

// On to the next tile, `bytes` away: as a parameter it needs no register.
#define STEP(pointers, QUADS, bytes) \
    _Pragma("unroll") for (int q = 0; q < QUADS; q++) pointers[q] = (global const float *)((global const char *)pointers[q] + (bytes));

// A tile from memory to registers; `rest` is what there is of the depth.
#define READ_TILE(TRANSPOSED, WIDTH, QUADS, TILE, quads, pointers, cross0, cross_end, rest) \
    _Pragma("unroll") for (int q = 0; q < QUADS; q++) { \
        const int depth = DEPTH(TRANSPOSED, TILE, q); \
        const int across = WIDTH == 4 ? 4 : cross_end - cross0 - CROSS(TRANSPOSED, TILE, q); \
        const int inside = TRANSPOSED ? (rest) - depth : (rest) > depth ? across : 0; \
        READ_QUAD(WIDTH, quads[q], pointers[q], inside) \
    }

// The same tile from registers to local memory, where it lies [k][cross].
#define WRITE_TILE(TRANSPOSED, QUADS, TILE, quads, store) \
    _Pragma("unroll") for (int q = 0; q < QUADS; q++) { \
        const int cross = CROSS(TRANSPOSED, TILE, q), depth = DEPTH(TRANSPOSED, TILE, q); \
        if (TRANSPOSED) { \
            store[depth + 0][cross] = quads[q].x; \
            store[depth + 1][cross] = quads[q].y; \
            store[depth + 2][cross] = quads[q].z; \
            store[depth + 3][cross] = quads[q].w; \
        } else { \
            *(local float4 *)&store[depth][cross] = quads[q]; \
        } \
    }

#define READ_A(rest) READ_TILE(!A_TRANSPOSED, A_WIDTH, A_QUADS, TILE_M, a_quads, a_from, row0, m, rest)
#define READ_B(rest) READ_TILE(B_TRANSPOSED, B_WIDTH, B_QUADS, TILE_N, b_quads, b_from, column0, n, rest)
#define WRITE_A(side) WRITE_TILE(!A_TRANSPOSED, A_QUADS, TILE_M, a_quads, stages[side].a)
#define WRITE_B(side) WRITE_TILE(B_TRANSPOSED, B_QUADS, TILE_N, b_quads, stages[side].b)

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void soma_matmul(
    global const float *a, const long a_offset, const soma_index a_lead, const soma_index a_stride, const long a_step,
    global const float *b, const long b_offset, const soma_index b_lead, const soma_index b_stride, const long b_step,
    const int batches, const int m, const int n, const int k, const int segment_depth,
    //@ parameters
) {
    DECLARE_TILES
    const float4 zero = SOMA_FLOAT4(0.0f, 0.0f, 0.0f, 0.0f);
    FIND_TILE(m, n)
    const int batch = product % batches, segment = product / batches;
    const int k_start = segment * segment_depth, k_end = SOMA_MIN(k_start + segment_depth, k);

    a += a_offset + (long)batch * a_stride + (A_TRANSPOSED ? (long)k_start * a_lead : k_start);
    b += b_offset + (long)batch * b_stride + (B_TRANSPOSED ? k_start : (long)k_start * b_lead);
    global const float *a_from[A_QUADS], *b_from[B_QUADS];
    FIND_QUADS(!A_TRANSPOSED, A_WIDTH, A_QUADS, TILE_M, a_from, a, a_lead, row0, m)
    FIND_QUADS(B_TRANSPOSED, B_WIDTH, B_QUADS, TILE_N, b_from, b, b_lead, column0, n)

    float4 a_quads[A_QUADS], b_quads[B_QUADS];
    READ_A(k_end - k_start)
    READ_B(k_end - k_start)
    WRITE_A(0)
    WRITE_B(0)
    barrier(CLK_LOCAL_MEM_FENCE);

    int side = 0;
    for (int rest = k_end - k_start; rest > 0; rest -= TILE_K) {
        const bool is_last = rest <= TILE_K;
        if (!is_last) {
            STEP(a_from, A_QUADS, a_step)
            STEP(b_from, B_QUADS, b_step)
            READ_A(rest - TILE_K)
            READ_B(rest - TILE_K)
        }
        MULTIPLY_TILES(side)
        if (!is_last) {
            side ^= 1;
            WRITE_A(side)
            WRITE_B(side)
            barrier(CLK_LOCAL_MEM_FENCE);
        }
    }

#if !SEGMENTS
    //@ uniforms
#endif
#pragma unroll
    for (int i = 0; i < THREAD_M; i++) {
        const int row = row0 + QUAD_ROW(i / 4) + i % 4;
        if (row >= m) continue;
#pragma unroll
        for (int q = 0; q < QUADS_N; q++) {
            const int first_column = column0 + QUAD_COLUMN(q);
#if SEGMENTS
            global float *target = workspace + (((long)segment * batches + batch) * m + row) * n + first_column;
#pragma unroll
            for (int j = 0; j < 4; j++)
                if (first_column + j < n) target[j] = SUM(i, q, j);
#else
#pragma unroll
            for (int j = 0; j < 4; j += WIDTH) {
                const int column = first_column + j;
                if (column >= n) continue;
                //@ elements
            }
#endif
        }
    }
}
