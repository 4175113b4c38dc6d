#pragma once

/// The part of a window that lies inside of an image.
typedef struct pooling_window {
    long rows, columns;
    long row_step, column_step;    ///< Elements from one of its rows, or columns, to the next.
} pooling_window;

/// The four kinds of windows; x, g and dx point at the window's first pixel that lies inside, y at the pixel of the result.
typedef struct soma_pooling_kernels {
    void (*max)(const pooling_window *window, long channels, const float *x, float *y);
    void (*sum)(const pooling_window *window, long channels, const float *x, float *y);
    void (*max_gradient)(const pooling_window *window, long channels, const float *x, const float *g, float *dx);
    void (*sum_gradient)(const pooling_window *window, long channels, const float *x, const float *g, float *dx);
} soma_pooling_kernels;
