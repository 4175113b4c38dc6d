#pragma once
#include <stdbool.h>

/// The pooling of images [N, rows, columns, C], by maximum or by sum. Elements outside of an image do not count.
typedef struct soma_pooling {
    bool is_max;
    long batch, channels;
    long input[2], output[2];      ///< Rows and columns.
    long size[2], stride[2], dilation[2], before[2];
} soma_pooling;

/// y of x.
void soma_pooling_run(const soma_pooling *pooling, const float *x, float *y);

/// What x gets of g: of a maximum, whose x is needed, the first greatest element of each window; of a sum, where x is not read, all.
void soma_pooling_run_gradient(const soma_pooling *pooling, const float *x, const float *g, float *dx);
