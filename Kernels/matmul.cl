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

// A tile of an operand whose axes are `cross` (m or n) and k, from memory to registers: quad q of a work-item is number item + q·ITEMS
// of the tile. TRANSPOSED tells whether quads run along k and must be turned.
#define READ_TILE(TRANSPOSED, WIDTH, QUADS, TILE, quads, base, lead, cross0, cross_end, k0, k_end) \
    _Pragma("unroll") for (int q = 0; q < QUADS; q++) { \
        const int number = item + q * ITEMS; \
        if (TRANSPOSED) { \
            const int cross = cross0 + number / (TILE_K / 4), depth = k0 + number % (TILE_K / 4) * 4; \
            const int inside = cross < cross_end ? k_end - depth : 0; \
            READ_QUAD(WIDTH, quads[q], base + (soma_index)cross * lead + depth, inside) \
        } else { \
            const int cross = cross0 + number % (TILE / 4) * 4, depth = k0 + number / (TILE / 4); \
            const int inside = depth < k_end ? cross_end - cross : 0; \
            READ_QUAD(WIDTH, quads[q], base + ((soma_index)depth * lead + cross), inside) \
        } \
    }

// The same tile from registers to local memory, where it lies [k][cross].
#define WRITE_TILE(TRANSPOSED, QUADS, TILE, quads, store) \
    _Pragma("unroll") for (int q = 0; q < QUADS; q++) { \
        const int number = item + q * ITEMS; \
        if (TRANSPOSED) { \
            const int cross = number / (TILE_K / 4), depth = number % (TILE_K / 4) * 4; \
            store[depth + 0][cross] = quads[q].x; \
            store[depth + 1][cross] = quads[q].y; \
            store[depth + 2][cross] = quads[q].z; \
            store[depth + 3][cross] = quads[q].w; \
        } else { \
            const int cross = number % (TILE / 4) * 4, depth = number / (TILE / 4); \
            *(local float4 *)&store[depth][cross] = quads[q]; \
        } \
    }

#define READ_A(k0) READ_TILE(!A_TRANSPOSED, A_WIDTH, A_QUADS, TILE_M, a_quads, a, a_lead, row0, m, k0, k_end)
#define READ_B(k0) READ_TILE(B_TRANSPOSED, B_WIDTH, B_QUADS, TILE_N, b_quads, b, b_lead, column0, n, k0, k_end)
#define WRITE_A(side) WRITE_TILE(!A_TRANSPOSED, A_QUADS, TILE_M, a_quads, a_tile[side])
#define WRITE_B(side) WRITE_TILE(B_TRANSPOSED, B_QUADS, TILE_N, b_quads, b_tile[side])

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void soma_matmul(
    global const float *a, const long a_offset, const soma_index a_lead, const soma_index a_stride,
    global const float *b, const long b_offset, const soma_index b_lead, const soma_index b_stride,
    const int batches, const int m, const int n, const int k, const int segment_depth,
    //@ parameters
) {
    DECLARE_TILES
    const float4 zero = SOMA_FLOAT4(0.0f, 0.0f, 0.0f, 0.0f);
    FIND_TILE(m, n)
    const int batch = product % batches, segment = product / batches;
    const int k_start = segment * segment_depth, k_end = SOMA_MIN(k_start + segment_depth, k);

    a += a_offset + (long)batch * a_stride;
    b += b_offset + (long)batch * b_stride;

    float4 a_quads[A_QUADS], b_quads[B_QUADS];
    READ_A(k_start)
    READ_B(k_start)
    WRITE_A(0)
    WRITE_B(0)
    barrier(CLK_LOCAL_MEM_FENCE);

    int side = 0;
    for (int k0 = k_start; k0 < k_end; k0 += TILE_K) {
        const int next = k0 + TILE_K;
        if (next < k_end) {
            READ_A(next)
            READ_B(next)
        }
        MULTIPLY_TILES(side)
        if (next < k_end) {
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
                if (first_column + j < n) target[j] = sums[i][q * 4 + j];
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
