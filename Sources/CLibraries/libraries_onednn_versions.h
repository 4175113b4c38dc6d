#pragma once
#include "libraries_onednn.h"
#include <stdbool.h>

/// What versions 2 and 3 of oneDNN do by different calls. Each gives null where oneDNN refuses.

typedef struct dnnl_geometry { dnnl_dims stride, dilation, before, after; } dnnl_geometry;

/// Memory of floats whose elements lie at `strides` or, where these are null, as the library likes.
dnnl_description dnnl_describe(const libraries_onednn *dnnl, int rank, const int64_t *extents, const int64_t *strides);
void dnnl_description_free(const libraries_onednn *dnnl, dnnl_description description);

/// The kernel for a pass of a convolution: 0 forward, 1 input gradient, 2 filter gradient.
/// - Parameter forward: the kernel of the forward pass, for the other two.
dnnl_primitive_description dnnl_describe_convolution(
    const libraries_onednn *dnnl, dnnl_engine engine, int pass, dnnl_description x, dnnl_description w, dnnl_description y,
    const dnnl_geometry *geometry, dnnl_primitive_description forward, dnnl_attributes attributes);
