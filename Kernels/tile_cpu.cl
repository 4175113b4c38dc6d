// What matmul_cpu.cl and convolution_cpu.cl share: a tile of 8 × 32 sums in vector registers, made from packed panels of both factors.
//
// A panel of A holds PANEL_M rows and a panel of B PANEL_N columns, both [k][PANEL] and zero beyond the matrix, so that memory is read in
// order: per step of k two vectors of B and PANEL_M numbers of A.
//
//                        panel of B
//                        [k][32]
//                        ┌─────────┐
//                        │ b0 │ b1 │
//                        └─────────┘
//    panel of A ┌─────┐  ┌─────────┐
//    [k][8]     │ a0  │  │ c00 c01 │
//               │  …  │  │    …    │  16 vectors of 16 floats
//               │ a7  │  │ c70 c71 │
//               └─────┘  └─────────┘

#define PANEL_M 8   // rows of the tile; the text below counts on it
#define PANEL_N 32  // columns of the tile; the text below counts on it

#define DECLARE_TILE \
    float16 c00 = 0.0f, c10 = 0.0f, c20 = 0.0f, c30 = 0.0f, c40 = 0.0f, c50 = 0.0f, c60 = 0.0f, c70 = 0.0f; \
    float16 c01 = 0.0f, c11 = 0.0f, c21 = 0.0f, c31 = 0.0f, c41 = 0.0f, c51 = 0.0f, c61 = 0.0f, c71 = 0.0f;

#define EACH_ROW(DO, argument) DO(0, argument) DO(1, argument) DO(2, argument) DO(3, argument) DO(4, argument) DO(5, argument) DO(6, argument) DO(7, argument)

// Where a device lacks the instruction, `fma` takes some hundred others.
#if SOMA_FMA
#define MULTIPLY_ADD fma
#else
#define MULTIPLY_ADD mad
#endif

#define MULTIPLY_ADD_ROW(row, a) \
    c##row##0 = MULTIPLY_ADD((float16)((a)[row]), b0, c##row##0); \
    c##row##1 = MULTIPLY_ADD((float16)((a)[row]), b1, c##row##1);

// Adds the product of `depth` steps of two panels.
#define MULTIPLY_PANELS(a, b, depth) \
    for (int step = 0; step < (depth); step++) { \
        const float16 b0 = vload16(0, (b) + step * PANEL_N), b1 = vload16(1, (b) + step * PANEL_N); \
        EACH_ROW(MULTIPLY_ADD_ROW, (a) + step * PANEL_M) \
    }

// The tile written, or added, to an array [PANEL_M][PANEL_N].
#define STORE_ROW(row, sums) \
    vstore16(c##row##0, 0, (sums)[row]); \
    vstore16(c##row##1, 1, (sums)[row]);
#define ADD_ROW(row, sums) \
    vstore16(vload16(0, (sums)[row]) + c##row##0, 0, (sums)[row]); \
    vstore16(vload16(1, (sums)[row]) + c##row##1, 1, (sums)[row]);
