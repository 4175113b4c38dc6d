// A batch of matrix products with a fused epilogue on a CPU-like device: what matmul.cl computes, for vector registers and caches.
//
// First both operands are packed so that the inner loop reads memory in order: A in panels of PANEL_M rows, B in panels of PANEL_N
// columns, each panel [k][PANEL], zero beyond the matrix. Then a work-item multiplies ROW_PANELS panels of A with one panel of B, each
// in a tile of PANEL_M × PANEL_N sums that stay in registers (see tile_cpu.cl).
//
// Launches, each with work-groups of one work-item:
//     soma_pack_a   (panels of A, blocks of k, batches)
//     soma_pack_b   (panels of B, blocks of k, batches)
//     soma_matmul   (blocks of rows, panels of B, batches)

#ifndef ROW_PANELS
#define ROW_PANELS 4  // panels of A that a work-item takes with one panel of B
#endif
#ifndef PACK_DEPTH
#define PACK_DEPTH 256  // steps of k that a work-item packs
#endif

// Element (cross, depth) of the operand is x[cross·cross_stride + depth·depth_stride]; `cross` is its axis m or n.
#define PACK(PANEL) \
    const int panel = get_global_id(0), batch = get_global_id(2), panels = get_global_size(0); \
    const int first = get_global_id(1) * PACK_DEPTH, last = SOMA_MIN(first + PACK_DEPTH, k); \
    const int inside = SOMA_MIN(PANEL, extent - panel * PANEL); \
    x += x_offset + (long)batch * x_stride + (long)panel * PANEL * cross_stride; \
    packed += packed_offset + ((long)batch * panels + panel) * k * PANEL; \
    if (inside == PANEL && cross_stride == 1) { \
        for (int depth = first; depth < last; depth++) { \
            SOMA_VECTORIZE for (int cross = 0; cross < PANEL; cross++) \
                packed[depth * PANEL + cross] = x[(soma_index)depth * depth_stride + cross]; \
        } \
    } else { \
        for (int depth = first; depth < last; depth++) \
            for (int cross = 0; cross < PANEL; cross++) \
                packed[depth * PANEL + cross] = \
                    cross < inside ? x[(soma_index)cross * cross_stride + (soma_index)depth * depth_stride] : 0.0f; \
    }

kernel void soma_pack_a(
    global const float *x, const long x_offset, const soma_index cross_stride, const soma_index depth_stride, const soma_index x_stride,
    global float *packed, const long packed_offset, const int extent, const int k
) {
    PACK(PANEL_M)
}

kernel void soma_pack_b(
    global const float *x, const long x_offset, const soma_index cross_stride, const soma_index depth_stride, const soma_index x_stride,
    global float *packed, const long packed_offset, const int extent, const int k
) {
    PACK(PANEL_N)
}

kernel void soma_matmul(
    global const float *a, const long a_offset, global const float *b, const long b_offset, const int m, const int n, const int k,
    //@ parameters
) {
    const int batch = get_global_id(2), panels_m = (m + PANEL_M - 1) / PANEL_M;
    const int column0 = get_global_id(1) * PANEL_N, columns = SOMA_MIN(PANEL_N, n - column0);
    const int first_panel = get_global_id(0) * ROW_PANELS, last_panel = SOMA_MIN(first_panel + ROW_PANELS, panels_m);
    a += a_offset + ((long)batch * panels_m + first_panel) * k * PANEL_M;
    b += b_offset + ((long)batch * get_global_size(1) + get_global_id(1)) * k * PANEL_N;
    //@ uniforms

    for (int panel = first_panel; panel < last_panel; panel++) {
        DECLARE_TILE
        MULTIPLY_PANELS(a, b, k)
        a += (long)k * PANEL_M;

        float sums[PANEL_M][PANEL_N];
        EACH_ROW(STORE_ROW, sums)
        const int rows = SOMA_MIN(PANEL_M, m - panel * PANEL_M);
        for (int i = 0; i < rows; i++) {
            const int row = panel * PANEL_M + i;
            SOMA_VECTORIZE
            for (int j = 0; j < columns; j++) {
                const int column = column0 + j;
                //@ elements
            }
        }
    }
}
