#pragma once
#include <stdbool.h>
#include <stdint.h>

/// A product of a convolution, as `ConvolutionPass` numbers them: 0 forward, 1 input gradient, 2 filter gradient. Images lie as
/// [N, rows, columns, C], filters as [K, C / groups, rows, columns].
typedef struct libraries_convolution {
    int pass;
    int64_t batch, groups, input_channels, output_channels;
    int64_t input[2], output[2];                      ///< Rows and columns.
    int64_t size[2], stride[2], dilation[2], before[2];
} libraries_convolution;

/// A convolution that oneDNN has prepared: its kernel, and its own layout of the filter.
typedef struct libraries_onednn_convolution libraries_onednn_convolution;

/// Prepares a forward convolution or the gradient of its input, whose bits do not depend on the number of threads; null where oneDNN is missing,
/// or has for it only its reference code, which is slow, or a kernel that divides sums among the threads. Safe from any thread.
libraries_onednn_convolution *libraries_onednn_convolution_create(const libraries_convolution *convolution);

/// The same for a run on one thread, of any pass: several threads may each run it on operands of their own. Null also where the number of
/// threads cannot be told to oneDNN. All kernels of its that make the gradient of a filter divide the sums among the threads they were prepared for.
libraries_onednn_convolution *libraries_onednn_convolution_create_serial(const libraries_convolution *convolution);

/// The name oneDNN gives the kernel.
const char *libraries_onednn_convolution_kernel(const libraries_onednn_convolution *convolution);

/// Computes `result` from the operands in the order of the pass: x and w, g and w, or x and g. False where memory or oneDNN fails.
/// Safe from any thread.
bool libraries_onednn_convolution_run(const libraries_onednn_convolution *convolution, const float *first, const float *second, float *result);

void libraries_onednn_convolution_destroy(libraries_onednn_convolution *convolution);
