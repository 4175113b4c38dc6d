#pragma once
#include "libraries_onednn_convolution.h"
#include <stdbool.h>

/// Computes a product of a convolution with the project's own kernels, on the team: windows are copied into the rows of a matrix, some rows of
/// pixels at a time, and multiplied. Operands are in the order of the pass: x and w, g and w, or x and g.
/// False where scratch memory cannot be had.
bool soma_convolution_run(const libraries_convolution *convolution, const float *first, const float *second, float *result);

/// The same for a depthwise convolution of stride 1, one filter for each channel, whose images lie as [N, C, rows, columns].
bool soma_convolution_run_depthwise(const libraries_convolution *convolution, const float *first, const float *second, float *result);

/// Whether Winograd's F(4×4, 3×3) can compute a product of a convolution and pays: filters of 3×3 and stride 1, enough channels to fill
/// vectors and enough tiles to repay the filters' transform.
bool soma_convolution_suits_winograd(const libraries_convolution *convolution);

/// The same as `soma_convolution_run` for those, with a quarter of the multiplications. Rounding errors are about twice as large.
/// Tiles whose numbers are not finite, or differ too much in size, are computed as by that.
bool soma_convolution_run_winograd(const libraries_convolution *convolution, const float *first, const float *second, float *result);

/// Whether a product of a convolution is the forward one of images of so few channels that a matrix product of them would be too thin.
bool soma_convolution_suits_direct(const libraries_convolution *convolution);

/// The same as `soma_convolution_run` for those, from images in any order into results in either.
/// - Parameter strides: of x, over [N, C, rows, columns].
bool soma_convolution_run_direct(
    const libraries_convolution *convolution, const int64_t strides[4], bool channels_last, const float *x, const float *w, float *y);
