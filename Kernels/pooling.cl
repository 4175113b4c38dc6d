// The windows of images combined, and what each pixel gets of the gradient of that.
//
//     max            y[p, o] = max x[p, o·s + r·d − before] over the r that lie within the image; −∞ where none does
//     sum            y[p, o] = Σ of the same
//     gradient of sum   dx[p, i] = Σ g[p, o] over the windows o that hold i
//     gradient of max   dx[p, i] = Σ g[p, o] over the windows o whose greatest element is i: the first of equal ones, the first NaN if any
//
// Indexing: p counts planes (batch · channels), each contiguous. A work-item makes one element of the result: of y, or of dx. A gradient is
// gathered: a pixel looks at the windows that hold it, and where they choose a maximum it looks for it again. So no two work-items
// write to one place, and the sums are always taken in the same order.
//
//     x (height × width)                        the windows that hold pixel i: those o with o·s + r·d − before = i for a tap r
//     ┌───────────────────────┐
//     │   ┌───┐               │
//     │   │ o │┐              │
//     │   └───┘│ i            │
//     │    └───┘              │
//     └───────────────────────┘
//
// Launch: one dimension, a work-item for each element of the result.

#ifndef IS_MAX
#define IS_MAX 1  // 1 for max, 0 for sum
#endif
#ifndef IS_GRADIENT
#define IS_GRADIENT 0  // 1 for what x gets of the gradient
#endif

// Whether an element comes before the best one so far: the first of equal ones stays, and so does a NaN.
#define BEATS(value, best) (!((best) >= (value) || isnan(best)))

// Walks over the elements of the window (window_y, window_x) that lie within the image, as (line, pixel).
#define WITHIN_WINDOW(window_y, window_x, statement) \
    for (int r = 0; r < window_lines; r++) { \
        const int line = (window_y) * stride_y + r * dilation_y - before_y; \
        if ((uint)line >= (uint)height) continue; \
        for (int s = 0; s < window_pixels; s++) { \
            const int pixel = (window_x) * stride_x + s * dilation_x - before_x; \
            if ((uint)pixel >= (uint)width) continue; \
            statement \
        } \
    }

kernel void soma_pooling(
    //@ parameters
) {
    const soma_index item = (soma_index)get_global_id(0);
    if (item >= count) return;
    //@ coordinates
    result += result_offset;
#if IS_GRADIENT
    g += g_offset + (long)i0 * pooled_height * pooled_width;
#endif
#if IS_MAX || !IS_GRADIENT
    x += x_offset + (long)i0 * height * width;
#endif

#if !IS_GRADIENT
#if IS_MAX
    float value = -INFINITY;
    int is_first = 1;
    WITHIN_WINDOW(i1, i2, {
        const float next = x[line * width + pixel];
        if (is_first || BEATS(next, value)) value = next;
        is_first = 0;
    })
#else
    float value = 0.0f;
    WITHIN_WINDOW(i1, i2, { value += x[line * width + pixel]; })
#endif
#else
    float value = 0.0f;
    // Of the taps in descending order the windows come in ascending order.
    for (int tap_y = window_lines - 1; tap_y >= 0; tap_y--) {
        const int from_y = (int)i1 + before_y - tap_y * dilation_y, window_y = from_y / stride_y;
        if (from_y < 0 || window_y >= pooled_height || window_y * stride_y != from_y) continue;
        for (int tap_x = window_pixels - 1; tap_x >= 0; tap_x--) {
            const int from_x = (int)i2 + before_x - tap_x * dilation_x, window_x = from_x / stride_x;
            if (from_x < 0 || window_x >= pooled_width || window_x * stride_x != from_x) continue;
#if IS_MAX
            float best = 0.0f;
            int chosen = -1;
            WITHIN_WINDOW(window_y, window_x, {
                const float next = x[line * width + pixel];
                if (chosen < 0 || BEATS(next, best)) {
                    best = next;
                    chosen = line * width + pixel;
                }
            })
            if (chosen != (int)i1 * width + (int)i2) continue;
#endif
            value += g[window_y * pooled_width + window_x];
        }
    }
#endif
    result[item] = value;
}
