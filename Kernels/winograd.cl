// Convolution with filters of 3 × 3 taps, one pixel apart, by Winograd's algorithm F(2×2, 3×3): 16 multiplications for what takes 36
// (Lavin and Gray 2016). The image is cut into tiles of 4 × 4 pixels that overlap by two; each gives 2 × 2 pixels of the result.
//
//     Y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ d B)]A      Bᵀ = ⎡1  0 -1  0⎤   G = ⎡ 1   0   0 ⎤   Aᵀ = ⎡1  1  1  0⎤
//                                           ⎢0  1  1  0⎥       ⎢ ½   ½   ½ ⎥        ⎣0  1 -1 -1⎦
//     d: 4 × 4 pixels   w: the filter       ⎢0 -1  1  0⎥       ⎢ ½  -½   ½ ⎥
//     Y: 2 × 2 pixels                       ⎣0  1  0 -1⎦       ⎣ 0   0   1 ⎦
//
// Summed over channels, the products ⊙ at one of the 16 places are a product of matrices: [rows, channels] · [channels, tiles], which
// matmul.cl computes, a batch of 16. Here is what comes before and after it. The input gradient is the same with the filter turned around.
//
//     launch                   makes                        a work-item
//     soma_winograd_filter     U [16, channels, rows]       a filter
//     soma_winograd_image      V [16, channels, tiles]      a tile of a channel        tiles count (image, line, pixel)
//     (matmul)                 M [16, rows, tiles]
//     soma_winograd_result     the result, with epilogue    a tile of a row
//
// A result that sees an infinity or a NaN, or for which numbers on the way are too large, is a sum by the definition.
//
// All three lie in the workspace; a batch of images that does not fit is taken in parts.

#ifndef IS_GRADIENT
#define IS_GRADIENT 0  // 1 for the input gradient
#endif

// Four elements of a line or column replaced by their transform.
#define TRANSFORM_IMAGE(d0, d1, d2, d3) \
    { \
        const float t0 = d0 - d2, t1 = d1 + d2, t2 = d2 - d1, t3 = d1 - d3; \
        d0 = t0; \
        d1 = t1; \
        d2 = t2; \
        d3 = t3; \
    }
// Three elements made four.
#define TRANSFORM_FILTER(w0, w1, w2, u0, u1, u2, u3) \
    u0 = w0; \
    u1 = 0.5f * (w0 + w1 + w2); \
    u2 = 0.5f * (w0 - w1 + w2); \
    u3 = w2;

//@ section filter
kernel void soma_winograd_filter(
    //@ parameters
) {
    const soma_index item = (soma_index)get_global_id(0);
    if (item >= count) return;
    //@ coordinates
    // Filters lie as [outputs, inputs, 3, 3].
    w += w_offset + (IS_GRADIENT ? i0 * rows + i1 : i1 * channels + i0) * 9;
    float mid[4][3], u[4][4];
#pragma unroll
    for (int s = 0; s < 3; s++) {
        const int first = IS_GRADIENT ? 8 - s : s, next = IS_GRADIENT ? -3 : 3;
        const float w0 = w[first], w1 = w[first + next], w2 = w[first + 2 * next];
        TRANSFORM_FILTER(w0, w1, w2, mid[0][s], mid[1][s], mid[2][s], mid[3][s])
    }
#pragma unroll
    for (int r = 0; r < 4; r++) {
        TRANSFORM_FILTER(mid[r][0], mid[r][1], mid[r][2], u[r][0], u[r][1], u[r][2], u[r][3])
#pragma unroll
        for (int s = 0; s < 4; s++) u_all[u_all_offset + (r * 4 + s) * (long)count + item] = u[r][s];
    }
}

//@ section image
kernel void soma_winograd_image(
    //@ parameters
) {
    const soma_index item = (soma_index)get_global_id(0);
    if (item >= count) return;
    //@ coordinates
    const int line0 = i2 * 2 - before_y, pixel0 = i3 * 2 - before_x;
    b += b_offset + ((long)i1 * channels + i0) * height * width;
    float d[4][4];
#pragma unroll
    for (int r = 0; r < 4; r++)
#pragma unroll
        for (int s = 0; s < 4; s++) {
            const int line = line0 + r, pixel = pixel0 + s;
            d[r][s] = (uint)line < (uint)height && (uint)pixel < (uint)width ? b[line * width + pixel] : 0.0f;
        }
#pragma unroll
    for (int s = 0; s < 4; s++) TRANSFORM_IMAGE(d[0][s], d[1][s], d[2][s], d[3][s])
#pragma unroll
    for (int r = 0; r < 4; r++) {
        TRANSFORM_IMAGE(d[r][0], d[r][1], d[r][2], d[r][3])
#pragma unroll
        for (int s = 0; s < 4; s++) v_all[v_all_offset + (r * 4 + s) * (long)count + item] = d[r][s];
    }
}

//@ section result
// A pixel of a row of the result by the definition: from b, an image, and w, the row's first filter, of which the next is filter_step on.
static float soma_winograd_definition(
    global const float *b, global const float *w, int line0, int pixel0, int height, int width, int channels, int filter_step
) {
    float sum = 0.0f;
#pragma unroll 1
    for (int channel = 0; channel < channels; channel++, b += height * width, w += filter_step)
#pragma unroll 1
        for (int tap = 0; tap < 9; tap++) {
            const int line = line0 + tap / 3, pixel = pixel0 + tap % 3;
            const float value = (uint)line < (uint)height && (uint)pixel < (uint)width ? b[line * width + pixel] : 0.0f;
            sum += value * w[IS_GRADIENT ? 8 - tap : tap];
        }
    return sum;
}

kernel void soma_winograd_result(
    //@ parameters
) {
    const soma_index item = (soma_index)get_global_id(0);
    if (item >= count) return;
    //@ coordinates
    const int image = first_image + i1, channel = i0;
    float mid[2][4], sums[2][2];
#pragma unroll
    for (int s = 0; s < 4; s++) {
        float m[4];
#pragma unroll
        for (int r = 0; r < 4; r++) m[r] = m_all[m_all_offset + (r * 4 + s) * (long)count + item];
        mid[0][s] = m[0] + m[1] + m[2];
        mid[1][s] = m[1] - m[2] - m[3];
    }
#pragma unroll
    for (int r = 0; r < 2; r++) {
        sums[r][0] = mid[r][0] + mid[r][1] + mid[r][2];
        sums[r][1] = mid[r][1] - mid[r][2] - mid[r][3];
    }
    //@ uniforms
    // The results that are not finite, a bit each: differences of infinities are NaN, and sums on the way may be beyond all numbers.
    int doubts = 0;
#pragma unroll
    for (int r = 0; r < 2; r++) {
#pragma unroll
        for (int s = 0; s < 2; s++) {
            const int y = i2 * 2 + r, x = i3 * 2 + s;
            if (y >= result_height || x >= result_width) continue;
            const int place = y * result_width + x;
            const float sum = sums[r][s];
            if (!(fabs(sum) < INFINITY)) {
                doubts |= 1 << (r * 2 + s);
                continue;
            }
            //@ elements
        }
    }
    if (doubts == 0) return;
    // Behind all else and not unrolled: what is seldom computed takes no registers from what always is.
#pragma unroll 1
    for (int i = 0; i < 4; i++) {
        if ((doubts >> i & 1) == 0) continue;
        const int y = i2 * 2 + i / 2, x = i3 * 2 + i % 2, place = y * result_width + x;
        const float sum = soma_winograd_definition(
            b + b_offset + (long)i1 * channels * height * width, w + w_offset + (long)i0 * (IS_GRADIENT ? 9 : channels * 9),
            y - before_y, x - before_x, height, width, channels, IS_GRADIENT ? rows * 9 : 9);
        //@ elements
    }
}
