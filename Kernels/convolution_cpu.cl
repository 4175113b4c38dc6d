// The three products of a convolution on a CPU-like device: what convolution.cl computes, for vector registers and caches.
//
// First A is packed in panels of PANEL_M rows, each [depth][PANEL_M], zero beyond the matrix. Then a work-item takes PANEL_N columns of B and
// walks along the depth in steps of DEPTH: it packs so much of B from the images into memory of its own, which stays in the first-level
// cache, and multiplies it with ROW_PANELS panels of A (see tile_cpu.cl). The sums of all these wait beside it.
//
//                   PANEL_N columns                     launches, each with work-groups of one work-item
//                   ┌──────────┐
//                   │  images  │ DEPTH, packed           soma_pack:        (panels of A, blocks of depth, groups · phases)
//                   └──────────┘                         soma_convolution: (blocks of rows, panels of B, groups · phases · segments)
//      ┌─────────┐  ┌──────────┐
//      │ panel 0 │  │  8 × 32  │
//      │ panel 1 │  │  8 × 32  │  ROW_PANELS
//      └─────────┘  └──────────┘
//
// Indexing: see taps.cl. Columns that are neighbouring pixels of one line are a run, which is copied; others are gathered one by one.

#ifndef ROW_PANELS
#define ROW_PANELS 8  // panels of A that a work-item takes
#endif
#ifndef DEPTH
#define DEPTH 128  // steps of depth that are packed at once
#endif
#ifndef RUNS
#define RUNS 0  // 1 where columns are pixels side by side
#endif
#ifndef SEGMENTS
#define SEGMENTS 0  // 1: only a segment of the depth, the sum goes to a workspace [segment, result] and another kernel adds them up
#endif

#if PHASES
#define LINES_OF_TAPS phase_lines
#define PIXELS_OF_TAPS phase_pixels
#else
#define LINES_OF_TAPS depth_lines
#define PIXELS_OF_TAPS depth_pixels
#endif

// A depth as digits, which are counted up.
#define FIRST_DEPTH(depth) \
    int x = (depth) % PIXELS_OF_TAPS, y = (depth) / PIXELS_OF_TAPS % LINES_OF_TAPS, outer = (depth) / PIXELS_OF_TAPS / LINES_OF_TAPS;
#define NEXT_DEPTH \
    if (++x == PIXELS_OF_TAPS) { \
        x = 0; \
        if (++y == LINES_OF_TAPS) { \
            y = 0; \
            outer++; \
        } \
    }

kernel void soma_pack(
    global float *packed,
    //@ shared
) {
    const int panel = get_global_id(0), panels = get_global_size(0), row0 = panel * PANEL_M;
    const int group = get_global_id(2) % groups, rest = get_global_id(2) / groups;
    a += a_offset + (long)group * a_group + (long)row0 * a_lead;
#if PHASES
    FIND_PHASE(rest)
#endif
    const int first = get_global_id(1) * DEPTH, last = SOMA_MIN(first + DEPTH, k), rows = SOMA_MIN(PANEL_M, m - row0);
    if (first >= last) return;
    packed += (((long)get_global_id(2) * panels + panel) * k_most + first) * PANEL_M;
    FIRST_DEPTH(first)
    for (int depth = first; depth < last; depth++) {
        global const float *place = a + (soma_index)outer * a_stride + (soma_index)y * a_step_y + x * a_step_x;
        for (int row = 0; row < PANEL_M; row++) packed[row] = row < rows ? place[(soma_index)row * a_lead] : 0.0f;
        packed += PANEL_M;
        NEXT_DEPTH
    }
}

kernel void soma_convolution(
    global const float *packed,
    //@ parameters
) {
    const int column0 = get_global_id(1) * PANEL_N, columns = SOMA_MIN(PANEL_N, n - column0);
    const int panels = (m + PANEL_M - 1) / PANEL_M;
    const int first_panel = get_global_id(0) * ROW_PANELS, last_panel = SOMA_MIN(first_panel + ROW_PANELS, panels);
    const int group = get_global_id(2) % groups, rest = get_global_id(2) / groups;
#if PHASES
    FIND_PHASE(rest)
    const int product = group + groups * phase;
#else
    const int segment = rest, product = group;
#endif
    const int k_start = segment * segment_depth, k_end = SOMA_MIN(k_start + segment_depth, k);
    packed += ((long)product * panels + first_panel) * k_most * PANEL_M;
    b += b_offset + (long)group * b_group;

    int lines[PANEL_N], pixels[PANEL_N];
    soma_index places[PANEL_N];
    for (int j = 0; j < PANEL_N; j++) {
        DIGITS(column0 + j, column_lines, column_pixels, image, y, x)
        pixels[j] = x * column_step_x + start_x;
        lines[j] = j < columns ? y * column_step_y + start_y : NOWHERE;
        places[j] = j < columns ? (soma_index)image * column_stride + (soma_index)lines[j] * width + pixels[j] : 0;
    }
#if RUNS
    // Where runs begin: at another line, and at every vector.
    int starts[PANEL_N + 1], runs = 0;
    for (int j = 0; j < PANEL_N; j++)
        if (j % 16 == 0 || pixels[j] != pixels[j - 1] + 1 || places[j] != places[j - 1] + 1) starts[runs++] = j;
    starts[runs] = PANEL_N;
#endif

    float b_panel[DEPTH * PANEL_N], sums[ROW_PANELS][PANEL_M][PANEL_N];
    for (int panel = 0; panel < ROW_PANELS; panel++)
        for (int i = 0; i < PANEL_M; i++)
            for (int j = 0; j < PANEL_N; j++) sums[panel][i][j] = 0.0f;

    for (int k0 = k_start; k0 < k_end; k0 += DEPTH) {
        const int steps = SOMA_MIN(DEPTH, k_end - k0);
        FIRST_DEPTH(k0)
        for (int step = 0; step < steps; step++) {
            float *row = b_panel + step * PANEL_N;
            const int line_step = y * depth_step_y, pixel_step = x * depth_step_x;
            const soma_index place_step = (soma_index)outer * depth_stride + (soma_index)line_step * width + pixel_step;
#if RUNS
            for (int run = 0; run < runs; run++) {
                const int begin = starts[run], end = starts[run + 1], pixel = pixels[begin] + pixel_step - begin;
                global const float *source = b + (places[begin] - begin) + place_step;
                const int is_inside = (uint)(lines[begin] + line_step) < (uint)height;
                // Those that lie within the line.
                const int from = is_inside ? SOMA_MIN(end, SOMA_MAX(begin, -pixel)) : end, to = SOMA_MAX(from, SOMA_MIN(end, width - pixel));
                if (to - from == 16) {
                    vstore16(vload16(0, source + begin), 0, row + begin);
                } else {
                    for (int j = begin; j < from; j++) row[j] = 0.0f;
                    for (int j = from; j < to; j++) row[j] = source[j];
                    for (int j = to; j < end; j++) row[j] = 0.0f;
                }
            }
#else
            SOMA_VECTORIZE
            for (int j = 0; j < PANEL_N; j++) {
                const int line = lines[j] + line_step, pixel = pixels[j] + pixel_step;
                const int is_inside = ((uint)line < (uint)height) & ((uint)pixel < (uint)width);
                // What lies outside is read somewhere else, so that all are read alike.
                const float value = b[is_inside ? places[j] + place_step : 0];
                row[j] = is_inside ? value : 0.0f;
            }
#endif
            NEXT_DEPTH
        }
        for (int panel = 0; panel < last_panel - first_panel; panel++) {
            DECLARE_TILE
            global const float *a_panel = packed + ((long)panel * k_most + k0) * PANEL_M;
            MULTIPLY_PANELS(a_panel, b_panel, steps)
            EACH_ROW(ADD_ROW, sums[panel])
        }
    }

    //@ uniforms
#if SEGMENTS
    y0 += (long)segment * result_count;
#endif
    for (int row = first_panel * PANEL_M; row < SOMA_MIN(last_panel * PANEL_M, m); row++) {
        const int channel = group * m + row;
        const float *line_of_sums = sums[row / PANEL_M - first_panel][row % PANEL_M];
        SOMA_VECTORIZE
        for (int j = 0; j < columns; j++) {
            const int column = column0 + j;
            //@ coordinates
            //@ elements
        }
    }
}
