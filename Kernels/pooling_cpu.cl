// Pooling on a CPU-like device: what pooling.cl computes. A work-item takes a plane, which nobody else writes to, so that gradients need not be
// gathered: each window gives to its own pixels, the windows one after the other.
//
//     y: for each tap, a line of windows at a time      dx: the same the other way round; where a maximum is sought, window by window
//        ┌──────────────┐
//        │ → → → → → →  │
//        └──────────────┘
//
// Launch: one dimension, groups of one work-item: planes.

#ifndef IS_MAX
#define IS_MAX 1  // 1 for max, 0 for sum
#endif
#ifndef IS_GRADIENT
#define IS_GRADIENT 0  // 1 for what x gets of the gradient
#endif

#ifndef RUN
#define RUN 32  // windows of a line whose choices are kept before their gradients are added
#endif

// Whether an element comes before the best one so far: the first of equal ones stays, and so does a NaN.
#define BEATS(value, best) (!((best) >= (value) || isnan(best)))

// Goes through the taps of a line of windows that lie within the image: tap s of the windows first ..< last reads source[window · stride_x].
#define EACH_TAP(window_y, statement) \
    for (int r = 0; r < window_lines; r++) { \
        const int line = (window_y) * stride_y + r * dilation_y - before_y; \
        if ((uint)line >= (uint)height) continue; \
        for (int s = 0; s < window_pixels; s++) { \
            const int shift = s * dilation_x - before_x, start = line * width + shift; \
            const int first = shift < 0 ? (stride_x - 1 - shift) / stride_x : 0; \
            const int last = shift < width ? SOMA_MIN(pooled_width, (width - 1 - shift) / stride_x + 1) : 0; \
            SOMA_VECTORIZE for (int window = first; window < last; window++) statement \
        } \
    }

kernel void soma_pooling(
    //@ parameters
) {
    const long plane = get_global_id(0);
    const int pixels = height * width, windows = pooled_height * pooled_width;
    result += result_offset + plane * (IS_GRADIENT ? pixels : windows);
#if IS_GRADIENT
    g += g_offset + plane * windows;
    for (int i = 0; i < pixels; i++) result[i] = 0.0f;
#endif
#if IS_MAX || !IS_GRADIENT
    x += x_offset + plane * pixels;
#endif

    for (int window_y = 0; window_y < pooled_height; window_y++) {
#if !IS_GRADIENT
        global float *row = result + window_y * pooled_width;
        for (int window = 0; window < pooled_width; window++) row[window] = IS_MAX ? -INFINITY : 0.0f;
#if IS_MAX
        EACH_TAP(window_y, {
            const float next = x[start + window * stride_x];
            row[window] = BEATS(next, row[window]) ? next : row[window];
        })
#else
        EACH_TAP(window_y, { row[window] += x[start + window * stride_x]; })
#endif
#elif !IS_MAX
        global const float *row = g + window_y * pooled_width;
        EACH_TAP(window_y, { result[start + window * stride_x] += row[window]; })
#else
        // First what a run of windows chooses, and then the sums: there are compilers that add twice where a loop does both.
        for (int first_window = 0; first_window < pooled_width; first_window += RUN) {
            const int run = SOMA_MIN(RUN, pooled_width - first_window);
            int chosen[RUN];
            for (int window = 0; window < run; window++) {
                float best = 0.0f;
                chosen[window] = -1;
                for (int r = 0; r < window_lines; r++) {
                    const int line = window_y * stride_y + r * dilation_y - before_y;
                    if ((uint)line >= (uint)height) continue;
                    for (int s = 0; s < window_pixels; s++) {
                        const int pixel = (first_window + window) * stride_x + s * dilation_x - before_x;
                        if ((uint)pixel >= (uint)width) continue;
                        const float next = x[line * width + pixel];
                        if (chosen[window] < 0 || BEATS(next, best)) {
                            best = next;
                            chosen[window] = line * width + pixel;
                        }
                    }
                }
            }
            global const float *row = g + window_y * pooled_width + first_window;
            for (int window = 0; window < run; window++) {
                if (chosen[window] >= 0) result[chosen[window]] += row[window];
            }
        }
#endif
    }
}
