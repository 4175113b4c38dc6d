// The three products of a convolution with a fused epilogue, as matrix products whose second factor is read straight from images: no columns
// are laid out in memory (an implicit GEMM, Chetlur et al. 2014).
//
//     pass              C[row, column] = Σ A[row, depth] · B[depth, column]        row   column       depth
//     forward           y[n, k, o]  = Σ w[k, c, r] · x[n, c, o·s + r·d − before]    k     (n, o)       (c, r)
//     input gradient    dx[n, c, i] = Σ w[k, c, r] · g[n, k, o]                     c     (n, i)       (k, r)
//                       over all r and o with o·s + r·d − before = i
//     filter gradient   dw[k, c, r] = Σ g[n, k, o] · x[n, c, o·s + r·d − before]    k     (c, r)       (n, o)
//
// Indexing: see taps.cl for how a column and a depth tell which pixel an element of B is; the three passes differ in numbers alone.
//
//                          columns                        one step of depth:
//                ┌───────┬────────────────┐               taps[TILE_K]   what each depth contributes; a work-item each makes them a step
//                │ taps  │  image pixels  │ TILE_K                       ahead, two halves take turns
//                └───────┴────────────────┘               A, B           read for the next step into registers, while the present one is
//    A (filters) ┌───────┬────────────────┐                              multiplied from local memory (see tile.cl)
//     ┌────┐     │       │    tile of C   │               One barrier a step.
//     └────┘     └───────┴────────────────┘
//     TILE_K
//
// Neighbouring work-items read neighbouring columns where these are pixels, and neighbouring depths where those are.
// Launch: one dimension, (TILE_M/THREAD_M)·(TILE_N/THREAD_N) work-items a group; groups count tiles as in tile.cl, then the groups of
// the convolution, then phases, then segments of the depth.

#ifndef ALONG_DEPTH
#define ALONG_DEPTH 0  // 1 where neighbours in memory are neighbours along the depth: the filter gradient
#endif
#ifndef A_WIDTH
#define A_WIDTH 1  // 4 reads A 128 bits at a time along the depth
#endif
#ifndef SEGMENTS
#define SEGMENTS 0  // 1: only a segment of the depth, the sum goes to a workspace [segment, result] and another kernel adds them up
#endif

// Elements of A and B that a work-item carries from memory to local memory in a step, and how far apart they lie.
#define A_ROWS (ITEMS / TILE_K)
#define A_COUNT (TILE_M / A_ROWS)
#define A_QUADS (A_COUNT / 4)
#if ALONG_DEPTH
#define B_APART (ITEMS / TILE_K)
#define B_COUNT (TILE_N / B_APART)
#else
#define B_APART (ITEMS / TILE_N)
#define B_COUNT (TILE_K / B_APART)
#endif

// What a column or a depth contributes to the place in an image, and a depth to that in A.
typedef struct __attribute__((aligned(16))) {
    soma_index place, a_place;
    int line, pixel;
} soma_tap;

#if PHASES
// Of a phase only some taps exist, and how many is not known before. They are kept in local memory, for registers are scarce.
#define DEPTH_DIGITS(depth) \
    const int lines = phase_taps[0], pixels = phase_taps[1]; \
    const int outer_rest = (uint)(depth) / (uint)pixels, x = (depth) - outer_rest * pixels; \
    const int outer = (uint)outer_rest / (uint)lines, y = outer_rest - outer * lines;
#else
#define DEPTH_DIGITS(depth) DIGITS(depth, depth_lines, depth_pixels, outer, y, x)
#endif

// The contributions of the TILE_K depths from k0 on.
#define MAKE_TAPS(side, k0) \
    if (item < TILE_K) { \
        const int depth = (k0) + item; \
        DEPTH_DIGITS(depth) \
        const int line = y * depth_step_y, pixel = x * depth_step_x; \
        taps[side][item].place = (soma_index)outer * depth_stride + (soma_index)line * width + pixel; \
        taps[side][item].a_place = (soma_index)outer * a_stride + (soma_index)y * a_step_y + x * a_step_x; \
        taps[side][item].line = depth < k_end ? line : NOWHERE; \
        taps[side][item].pixel = pixel; \
    }

// What a column contributes.
#define MAKE_COLUMN(tap, column) \
    { \
        DIGITS(column, column_lines, column_pixels, outer, y, x) \
        const int line = y * column_step_y + start_y, pixel = x * column_step_x + start_x; \
        tap.place = (soma_index)outer * column_stride + (soma_index)line * width + pixel; \
        tap.line = (column) < n ? line : NOWHERE; \
        tap.pixel = pixel; \
    }

#if A_WIDTH == 4
#define READ_A(side, k0) \
    _Pragma("unroll") for (int q = 0; q < A_QUADS; q++) { \
        const int number = item + q * ITEMS, row = row0 + number / (TILE_K / 4), depth = number % (TILE_K / 4) * 4; \
        const int inside = row < m && (k0) + depth < k_end; \
        a_next[q] = inside ? *(global const float4 *)(a + (soma_index)row * a_lead + taps[side][depth].a_place) : zero; \
    }
#define WRITE_A(side) \
    _Pragma("unroll") for (int q = 0; q < A_QUADS; q++) { \
        const int number = item + q * ITEMS, row = number / (TILE_K / 4), depth = number % (TILE_K / 4) * 4; \
        stages[side].a[depth + 0][row] = a_next[q].x; \
        stages[side].a[depth + 1][row] = a_next[q].y; \
        stages[side].a[depth + 2][row] = a_next[q].z; \
        stages[side].a[depth + 3][row] = a_next[q].w; \
    }
#else
#define READ_A(side, k0) \
    { \
        const int row = row0 + item / TILE_K, rows = (k0) + item % TILE_K < k_end ? m : 0; \
        global const float *first = a + (soma_index)row * a_lead + taps[side][item % TILE_K].a_place; \
        _Pragma("unroll") for (int q = 0; q < A_COUNT; q++) \
            a_next[q] = row + q * A_ROWS < rows ? first[(soma_index)(q * A_ROWS) * a_lead] : 0.0f; \
    }
#define WRITE_A(side) \
    _Pragma("unroll") for (int q = 0; q < A_COUNT; q++) stages[side].a[item % TILE_K][item / TILE_K + q * A_ROWS] = a_next[q];
#endif

// An element of B for a contribution that stays with a work-item (`mine`) and one of many in local memory.
#define READ_PIXEL(value, mine, other) \
    { \
        const int line = mine.line + other.line, pixel = mine.pixel + other.pixel; \
        value = (uint)line < (uint)height && (uint)pixel < (uint)width ? b[mine.place + other.place] : 0.0f; \
    }
#if ALONG_DEPTH
#define READ_B(side) \
    { \
        const soma_tap mine = taps[side][item % TILE_K]; \
        _Pragma("unroll") for (int q = 0; q < B_COUNT; q++) READ_PIXEL(b_next[q], mine, columns[item / TILE_K + q * B_APART]) \
    }
#define WRITE_B(side) \
    _Pragma("unroll") for (int q = 0; q < B_COUNT; q++) stages[side].b[item % TILE_K][item / TILE_K + q * B_APART] = b_next[q];
#else
#define READ_B(side) \
    _Pragma("unroll") for (int q = 0; q < B_COUNT; q++) READ_PIXEL(b_next[q], mine, taps[side][item / TILE_N + q * B_APART])
#define WRITE_B(side) \
    _Pragma("unroll") for (int q = 0; q < B_COUNT; q++) stages[side].b[item / TILE_N + q * B_APART][item % TILE_N] = b_next[q];
#endif

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void soma_convolution(
    //@ parameters
) {
    DECLARE_TILES
    local soma_tap taps[2][TILE_K];
#if A_WIDTH == 4
    const float4 zero = SOMA_FLOAT4(0.0f, 0.0f, 0.0f, 0.0f);
#endif
    FIND_TILE(m, n)
    const int group = product % groups, rest = product / groups;
#if PHASES
    FIND_PHASE(rest)
    local int phase_taps[2];
    if (item == 0) {
        phase_taps[0] = phase_lines;
        phase_taps[1] = phase_pixels;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
#else
    const int segment = rest;
#endif
    const int k_start = segment * segment_depth, k_end = SOMA_MIN(k_start + segment_depth, k);
    a += a_offset + (long)group * a_group;
    b += b_offset + (long)group * b_group;

#if ALONG_DEPTH
    local soma_tap columns[TILE_N];
    for (int number = item; number < TILE_N; number += ITEMS) MAKE_COLUMN(columns[number], column0 + number)
#else
    soma_tap mine;
    MAKE_COLUMN(mine, column0 + item % TILE_N)
#endif
#if A_WIDTH == 4
    float4 a_next[A_QUADS];
#else
    float a_next[A_COUNT];
#endif
    float b_next[B_COUNT];
    if (k_start < k_end) {
        MAKE_TAPS(0, k_start)
        MAKE_TAPS(1, k_start + TILE_K)
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (k_start < k_end) {
        READ_A(0, k_start)
        READ_B(0)
        WRITE_A(0)
        WRITE_B(0)
    }
    barrier(CLK_LOCAL_MEM_FENCE);

    int side = 0;
    for (int k0 = k_start; k0 < k_end; k0 += TILE_K) {
        const int next = k0 + TILE_K;
        if (next < k_end) {
            READ_A(side ^ 1, next)
            READ_B(side ^ 1)
            MAKE_TAPS(side, next + TILE_K)
        }
        MULTIPLY_TILES(side)
        if (next < k_end) {
            side ^= 1;
            WRITE_A(side)
            WRITE_B(side)
            barrier(CLK_LOCAL_MEM_FENCE);
        }
    }

    //@ uniforms
#if SEGMENTS
    y0 += (long)segment * result_count;
#endif
#pragma unroll
    for (int q = 0; q < QUADS_N; q++) {
#pragma unroll
        for (int j = 0; j < 4; j += WIDTH) {
            const int column = column0 + QUAD_COLUMN(q) + j;
            if (column >= n) continue;
            //@ coordinates
#pragma unroll
            for (int i = 0; i < THREAD_M; i++) {
                const int row = row0 + QUAD_ROW(i / 4) + i % 4;
                if (row >= m) continue;
                const int channel = group * m + row;
                //@ elements
            }
        }
    }
}
