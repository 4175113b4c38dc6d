#pragma once

/// A plane of one channel as depthwise convolutions meet it: x with the padding around it and room for a vector behind each row.
typedef struct depthwise_plane {
    const float *x;
    long line;                        ///< Elements from one row of x to the next.
    long output_rows, output_columns;
    long rows, columns;               ///< Of the filter.
    long row_dilation, column_dilation;
} depthwise_plane;

typedef struct soma_depthwise_kernels {
    /// y[o, i] = Σ_r Σ_s x[o + r·dilation, i + s·dilation] · w[r, s].
    void (*filter)(const depthwise_plane *plane, const float *w, float *y);
    /// sums[r, s] = Σ_o Σ_i x[o + r·dilation, i + s·dilation] · g[o, i].
    void (*products)(const depthwise_plane *plane, const float *g, float *sums);
} soma_depthwise_kernels;
