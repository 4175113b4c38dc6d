#include "libraries_onednn_versions.h"

#include <stdlib.h>

// Numbers that are the same in both.
enum { type_f32 = 3, tag_any = 1, propagation_forward_training = 64, algorithm_direct = 1 };

/// More than version 2's descriptions of memory (696 bytes) and of convolutions (5976 bytes) take.
enum { memory_description_bytes = 2048, convolution_description_bytes = 16384 };

dnnl_description dnnl_describe(const libraries_onednn *dnnl, int rank, const int64_t *extents, const int64_t *strides) {
    if (dnnl->major >= 3) {
        dnnl_description result = NULL;
        int status = strides ? dnnl->v3_strided(&result, rank, extents, type_f32, strides) : dnnl->v3_tagged(&result, rank, extents, type_f32, tag_any);
        return status == 0 ? result : NULL;
    }
    void *result = calloc(1, memory_description_bytes);
    if (result == NULL) { return NULL; }
    int status = strides ? dnnl->v2_strided(result, rank, extents, type_f32, strides) : dnnl->v2_tagged(result, rank, extents, type_f32, tag_any);
    if (status == 0) { return result; }
    free(result);
    return NULL;
}

void dnnl_description_free(const libraries_onednn *dnnl, dnnl_description description) {
    if (description == NULL) { return; }
    if (dnnl->major >= 3) { dnnl->v3_description_destroy(description); } else { free((void *)description); }
}

static dnnl_primitive_description describe_v3(
    const libraries_onednn *dnnl, dnnl_engine engine, int pass, dnnl_description x, dnnl_description w, dnnl_description y,
    const dnnl_geometry *g, dnnl_primitive_description forward, dnnl_attributes attributes) {
    dnnl_primitive_description result = NULL;
    int status =
        pass == 0 ? dnnl->v3_forward(&result, engine, propagation_forward_training, algorithm_direct, x, w, NULL, y, g->stride, g->dilation,
                                     g->before, g->after, attributes)
        : pass == 1 ? dnnl->v3_input_gradient(&result, engine, algorithm_direct, x, w, y, g->stride, g->dilation, g->before, g->after, forward, attributes)
        : dnnl->v3_filter_gradient(&result, engine, algorithm_direct, x, w, NULL, y, g->stride, g->dilation, g->before, g->after, forward, attributes);
    return status == 0 ? result : NULL;
}

static dnnl_primitive_description describe_v2(
    const libraries_onednn *dnnl, dnnl_engine engine, int pass, dnnl_description x, dnnl_description w, dnnl_description y,
    const dnnl_geometry *g, dnnl_primitive_description forward, dnnl_attributes attributes) {
    void *operation = calloc(1, convolution_description_bytes);
    if (operation == NULL) { return NULL; }
    dnnl_primitive_description result = NULL;
    int status =
        pass == 0 ? dnnl->v2_forward(operation, propagation_forward_training, algorithm_direct, x, w, NULL, y, g->stride, g->dilation, g->before, g->after)
        : pass == 1 ? dnnl->v2_input_gradient(operation, algorithm_direct, x, w, y, g->stride, g->dilation, g->before, g->after)
        : dnnl->v2_filter_gradient(operation, algorithm_direct, x, w, NULL, y, g->stride, g->dilation, g->before, g->after);
    if (status == 0) { status = dnnl->v2_primitive_description(&result, operation, attributes, engine, forward); }
    free(operation);
    return status == 0 ? result : NULL;
}

dnnl_primitive_description dnnl_describe_convolution(
    const libraries_onednn *dnnl, dnnl_engine engine, int pass, dnnl_description x, dnnl_description w, dnnl_description y,
    const dnnl_geometry *geometry, dnnl_primitive_description forward, dnnl_attributes attributes) {
    return (dnnl->major >= 3 ? describe_v3 : describe_v2)(dnnl, engine, pass, x, w, y, geometry, forward, attributes);
}
