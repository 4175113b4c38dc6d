// A batch of matrix products with a fused epilogue: C[z] = A[z]·B[z], each element of C handed to generated text.
//
// Operands: A is [batch, m, k] and B [batch, k, n]; in each one axis of the matrix has stride 1 and the other `lead`. Any m, n, k: what lies
// outside is read as zero and not written.
//
// Indexing: a work-group makes one TILE_M × TILE_N tile of C and walks over k in steps of TILE_K. Of that tile a work-item makes
// THREAD_M × THREAD_N elements, in blocks of 4×4 that lie TILE/(THREAD/4) apart, so that 32 neighbours (8 along n, 4 along m) read
// whole 128-byte lines of local memory. The group's number counts tiles in bands of BAND rows of tiles, which keeps the B of
// a band in the second-level cache; then batches; then segments of k.
// Launch: one dimension, (TILE_M/THREAD_M)·(TILE_N/THREAD_N) work-items a group.
//
//               B (k × n)                             work-item (y, x) of a 128 × 128 tile, 16 × 16 items:
//                ┌────────┐ TILE_K                       x·4        64 + x·4
//                │  Bs    │                        ┌────────────┬────────────┐
//                └────────┘                    y·4 │    4×4     │    4×4     │
//    A (m × k)   ┌────────┐                        ├────────────┼────────────┤
//     ┌────┐     │  tile  │               64 + y·4 │    4×4     │    4×4     │
//     │ As │     │  of C  │                        └────────────┴────────────┘
//     └────┘     └────────┘
//     TILE_K
//
// A step of k: the next tiles of A and B are read from memory into registers; the present ones are multiplied from local memory, where A
// lies transposed so that both are read 128 bits at a time; the registers go to the other half of local memory.
// One barrier a step.

#ifndef TILE_M
#define TILE_M 128  // rows of C a work-group makes
#endif
#ifndef TILE_N
#define TILE_N 128  // columns of C a work-group makes
#endif
#ifndef TILE_K
#define TILE_K 16  // depth of the tiles in local memory
#endif
#ifndef THREAD_M
#define THREAD_M 8  // rows of C a work-item makes, a multiple of 4
#endif
#ifndef THREAD_N
#define THREAD_N 8  // columns of C a work-item makes, a multiple of 4
#endif
#ifndef PAD
#define PAD 4  // floats between rows in local memory, against bank conflicts of the transposing writes
#endif
#ifndef BAND
#define BAND 8  // rows of tiles that are walked together
#endif
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

#define ITEMS_M (TILE_M / THREAD_M)
#define ITEMS_N (TILE_N / THREAD_N)
#define ITEMS (ITEMS_M * ITEMS_N)
#define QUADS_M (THREAD_M / 4)
#define QUADS_N (THREAD_N / 4)
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
            READ_QUAD(WIDTH, quads[q], base + (soma_index)depth * lead + cross, inside) \
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
    local float a_tile[2][TILE_K][TILE_M + PAD] __attribute__((aligned(16)));
    local float b_tile[2][TILE_K][TILE_N + PAD] __attribute__((aligned(16)));
    const float4 zero = SOMA_FLOAT4(0.0f, 0.0f, 0.0f, 0.0f);
    const int item = get_local_id(0);

    // Which tile of which product, and which segment of k.
    const int tiles_m = (m + TILE_M - 1) / TILE_M, tiles_n = (n + TILE_N - 1) / TILE_N, tiles = tiles_m * tiles_n;
    const int product = get_group_id(0) / tiles, tile = get_group_id(0) % tiles;
    const int batch = product % batches, segment = product / batches;
    const int band = tile / (BAND * tiles_n), band_rows = SOMA_MIN(BAND, tiles_m - band * BAND), in_band = tile % (BAND * tiles_n);
    const int row0 = (band * BAND + in_band % band_rows) * TILE_M, column0 = in_band / band_rows * TILE_N;
    const int k_start = segment * segment_depth, k_end = SOMA_MIN(k_start + segment_depth, k);

    // Which elements of the tile: 32 neighbours are 4 rows of 8.
    const int x = item / 32 % (ITEMS_N / 8) * 8 + item % 8, y = item / 32 / (ITEMS_N / 8) * 4 + item % 32 / 8;

    a += a_offset + (long)batch * a_stride;
    b += b_offset + (long)batch * b_stride;

    float sums[THREAD_M][THREAD_N];
#pragma unroll
    for (int i = 0; i < THREAD_M; i++)
#pragma unroll
        for (int j = 0; j < THREAD_N; j++) sums[i][j] = 0.0f;

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
#pragma unroll
        for (int depth = 0; depth < TILE_K; depth++) {
            float4 a_column[QUADS_M], b_row[QUADS_N];
#pragma unroll
            for (int q = 0; q < QUADS_M; q++)
                a_column[q] = *(local const float4 *)&a_tile[side][depth][q * (TILE_M / QUADS_M) + y * 4];
#pragma unroll
            for (int q = 0; q < QUADS_N; q++)
                b_row[q] = *(local const float4 *)&b_tile[side][depth][q * (TILE_N / QUADS_N) + x * 4];
#define MULTIPLY_ADD(i, component) \
    sums[i][q * 4 + 0] = soma_multiply_add_float(component, b_row[q].x, sums[i][q * 4 + 0]); \
    sums[i][q * 4 + 1] = soma_multiply_add_float(component, b_row[q].y, sums[i][q * 4 + 1]); \
    sums[i][q * 4 + 2] = soma_multiply_add_float(component, b_row[q].z, sums[i][q * 4 + 2]); \
    sums[i][q * 4 + 3] = soma_multiply_add_float(component, b_row[q].w, sums[i][q * 4 + 3]);
#pragma unroll
            for (int p = 0; p < QUADS_M; p++)
#pragma unroll
                for (int q = 0; q < QUADS_N; q++) {
                    MULTIPLY_ADD(p * 4 + 0, a_column[p].x)
                    MULTIPLY_ADD(p * 4 + 1, a_column[p].y)
                    MULTIPLY_ADD(p * 4 + 2, a_column[p].z)
                    MULTIPLY_ADD(p * 4 + 3, a_column[p].w)
                }
        }
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
        const int row = row0 + i / 4 * (TILE_M / QUADS_M) + y * 4 + i % 4;
        if (row >= m) continue;
#pragma unroll
        for (int q = 0; q < QUADS_N; q++) {
            const int first_column = column0 + q * (TILE_N / QUADS_N) + x * 4;
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
