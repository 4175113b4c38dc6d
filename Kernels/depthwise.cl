// The three products of a convolution each of whose groups has one channel of x, with a fused epilogue: computed directly, since the time goes
// into memory and not into multiplications.
//
//     forward           y[n, k, o]  = Σ w[k, r] · x[n, k / multiple, o·s + r·d − before]
//     input gradient    dx[n, c, i] = Σ w[k, r] · g[n, k, o] over k = c·multiple + …, and r and o with o·s + r·d − before = i
//     filter gradient   dw[k, r]    = Σ g[n, k, o] · x[n, k / multiple, o·s + r·d − before]
//
// Indexing: a work-item takes STRIP neighbouring pixels of a line. For each line of taps it reads the SPAN pixels of the image that these
// need once, and then multiplies from registers. Without a stride the input gradient is a forward product with the filter turned around.
//
//     STRIP 4, 3 × 3:    image        result
//                        ┌──────┐
//                        │······│      ┌────┐        SPAN = 6
//                        │······│  →   │····│
//                        │······│      └────┘
//                        └──────┘
//
// Launch: soma_depthwise: one dimension, a work-item for each strip of each plane of the result; on a processor for each plane.
//         soma_depthwise_filter: (channels · ITEMS, segments), ITEMS work-items a group: a group adds up a segment of the strips of all
//         images, each work-item those that lie ITEMS apart; then the items' sums are combined by a tree in local memory. With several
//         segments the results go to a workspace [segment, result] and another kernel adds them up.

#ifndef LINES
#define LINES 3  // lines of taps
#endif
#ifndef PIXELS
#define PIXELS 3  // taps in a line
#endif
#ifndef STRIDE_Y
#define STRIDE_Y 1  // of windows
#endif
#ifndef STRIDE_X
#define STRIDE_X 1  // of windows
#endif
#ifndef DILATION_Y
#define DILATION_Y 1  // between taps
#endif
#ifndef DILATION_X
#define DILATION_X 1  // between taps
#endif
#ifndef STRIP
#define STRIP 4  // neighbouring pixels that a work-item takes
#endif
#ifndef IS_GRADIENT
#define IS_GRADIENT 0  // 1 for the input gradient
#endif
#ifndef ITEMS
#define ITEMS 128  // work-items that share a filter's gradient, a power of two
#endif
#ifndef SEGMENTS
#define SEGMENTS 0  // 1 where sums go to the workspace
#endif

#define TAPS (LINES * PIXELS)
// Whether windows are gathered tap by tap: where they have a stride and x asks which ones hold it.
#define GATHERS (IS_GRADIENT && (STRIDE_Y > 1 || STRIDE_X > 1))
#define SPAN ((STRIP - 1) * STRIDE_X + (PIXELS - 1) * DILATION_X + 1)

// A loop over neighbours: registers on a GPU, lanes of vectors on a processor.
#if SOMA_CPU
#define EACH_NEIGHBOUR(i, count) SOMA_VECTORIZE for (int i = 0; i < (count); i++)
#else
#define EACH_NEIGHBOUR(i, count) _Pragma("unroll") for (int i = 0; i < (count); i++)
#endif

// The SPAN pixels of a line from `first` on; those outside of it are zero.
#define READ_SPAN(span, line_start, first) \
    if ((first) >= 0 && (first) + SPAN <= width) { \
        EACH_NEIGHBOUR(i, SPAN) span[i] = (line_start)[(first) + i]; \
    } else { \
        EACH_NEIGHBOUR(i, SPAN) span[i] = (uint)((first) + i) < (uint)width ? (line_start)[(first) + i] : 0.0f; \
    }

//@ section product
kernel void soma_depthwise(
    //@ parameters
) {
    const soma_index item = (soma_index)get_global_id(0);
    if (item >= count) return;
    //@ coordinates
    const int image = i0, channel = i1;
    a += a_offset;
    b += b_offset;
    //@ uniforms
#if SOMA_CPU
    for (int strip_number = 0; strip_number < result_height * strips; strip_number++) {
        const int y = strip_number / strips, x = strip_number % strips * STRIP;
#else
    {
        const int y = i2, x = i3 * STRIP;
#endif
        float sums[STRIP];
        EACH_NEIGHBOUR(j, STRIP) sums[j] = 0.0f;

#if IS_GRADIENT
        for (int k = channel * multiple; k < (channel + 1) * multiple; k++) {
#else
        {
            const int k = channel;
#endif
            global const float *plane = b + ((long)image * planes + (IS_GRADIENT ? k : k / multiple)) * height * width;
            global const float *filter = a + k * TAPS;
#pragma unroll
            for (int r = 0; r < LINES; r++) {
#if GATHERS
                const int from_y = y + before_y - r * DILATION_Y, line = from_y / STRIDE_Y;
                if (from_y < 0 || line >= height || line * STRIDE_Y != from_y) continue;
#pragma unroll
                for (int s = 0; s < PIXELS; s++)
#pragma unroll
                    for (int j = 0; j < STRIP; j++) {
                        const int from_x = x + j + before_x - s * DILATION_X, pixel = from_x / STRIDE_X;
                        if (from_x >= 0 && pixel < width && pixel * STRIDE_X == from_x)
                            sums[j] = soma_multiply_add_float(filter[r * PIXELS + s], plane[line * width + pixel], sums[j]);
                    }
#else
                const int line = y * STRIDE_Y + r * DILATION_Y - before_y;
                if ((uint)line >= (uint)height) continue;
                float span[SPAN];
                READ_SPAN(span, plane + line * width, x * STRIDE_X - before_x)
#pragma unroll
                for (int s = 0; s < PIXELS; s++) {
                    const float tap = filter[IS_GRADIENT ? TAPS - 1 - r * PIXELS - s : r * PIXELS + s];
                    EACH_NEIGHBOUR(j, STRIP) sums[j] = soma_multiply_add_float(tap, span[j * STRIDE_X + s * DILATION_X], sums[j]);
                }
#endif
            }
        }

#if SOMA_CPU
        const int last = SOMA_MIN(STRIP, result_width - x);
        SOMA_VECTORIZE for (int j = 0; j < last; j++) {
#else
#pragma unroll
        for (int j = 0; j < STRIP; j += WIDTH) {
            if (x + j >= result_width) continue;
#endif
            const int column = x + j, place = y * result_width + column;
            //@ elements
        }
    }
}

//@ section filter
kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void soma_depthwise_filter(
    //@ parameters
) {
    const int item = get_local_id(0), channel = get_group_id(0), segment = get_group_id(1);
    local float partial[ITEMS], results[TAPS];
    a += a_offset + (long)channel * output_height * output_width;
    b += b_offset + (long)(channel / multiple) * height * width;
    // On a processor each lane of a vector has its sum.
#if SOMA_CPU
#define SUM_LANES STRIP
#else
#define SUM_LANES 1
#endif
    float sums[TAPS][SUM_LANES];
#pragma unroll
    for (int tap = 0; tap < TAPS; tap++)
        for (int j = 0; j < SUM_LANES; j++) sums[tap][j] = 0.0f;

    const int last = SOMA_MIN((segment + 1) * segment_strips, strips);
    for (int strip = segment * segment_strips + item; strip < last; strip += ITEMS) {
        const int line_number = SOMA_INT_QUOTIENT(strip, strips_x_multiplier, strips_x_shift), x = (strip - line_number * strips_x) * STRIP;
        const int image = SOMA_INT_QUOTIENT(line_number, output_height_multiplier, output_height_shift), y = line_number - image * output_height;
        global const float *gradient = a + (long)image * channels * output_height * output_width + y * output_width + x;
        global const float *plane = b + (long)image * planes * height * width;
        float g[STRIP];
        EACH_NEIGHBOUR(j, STRIP) g[j] = x + j < output_width ? gradient[j] : 0.0f;
#pragma unroll
        for (int r = 0; r < LINES; r++) {
            const int line = y * STRIDE_Y + r * DILATION_Y - before_y;
            if ((uint)line >= (uint)height) continue;
            float span[SPAN];
            READ_SPAN(span, plane + line * width, x * STRIDE_X - before_x)
#pragma unroll
            for (int s = 0; s < PIXELS; s++) {
                EACH_NEIGHBOUR(j, STRIP) {
                    const int lane = j % SUM_LANES;
                    sums[r * PIXELS + s][lane] = soma_multiply_add_float(g[j], span[j * STRIDE_X + s * DILATION_X], sums[r * PIXELS + s][lane]);
                }
            }
        }
    }

#pragma unroll
    for (int tap = 0; tap < TAPS; tap++) {
        float sum = 0.0f;
        for (int j = 0; j < SUM_LANES; j++) sum += sums[tap][j];
        partial[item] = sum;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int distance = ITEMS / 2; distance > 0; distance /= 2) {
            if (item < distance) partial[item] += partial[item + distance];
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        if (item == 0) results[tap] = partial[0];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    //@ uniforms
#if SEGMENTS
    y0 += (long)segment * result_count;
#endif
    for (int column = item; column < TAPS; column += ITEMS) {
        //@ elements
    }
}
