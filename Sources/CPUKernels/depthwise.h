#pragma once

/// The rows of one channel, as depthwise convolutions meet them. `lines` are rows of x with the padding around them and room for a
/// vector behind.
typedef struct soma_depthwise_kernels {
    /// y[i] = Σ_r Σ_s lines[r][i + s·dilation] · w[r·columns + s], for `count` elements.
    void (*row)(long count, int rows, int columns, long dilation, const float *const *lines, const float *w, float *y);
    /// sums[r·columns + s] += Σ_i lines[r][i + s·dilation] · g[i].
    void (*products)(long count, int rows, int columns, long dilation, const float *const *lines, const float *g, float *sums);
} soma_depthwise_kernels;
