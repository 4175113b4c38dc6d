#pragma once
#include "library_guard.h"
#include "library_search.h"
#include <stddef.h>
#include <stdint.h>

// oneDNN's handles, all opaque here. In version 2 a description of memory is a struct of the caller's, in version 3 a handle.
typedef struct dnnl_handle *dnnl_engine, *dnnl_stream, *dnnl_primitive, *dnnl_primitive_description, *dnnl_memory, *dnnl_attributes;
typedef const void *dnnl_description;
typedef int64_t dnnl_dims[12];
typedef struct dnnl_argument { int number; dnnl_memory memory; } dnnl_argument;

/// The functions of oneDNN that are called, found at run time; null where it is missing.
///
/// Declared here and not taken from its header, so that building needs no oneDNN. Functions return 0 for success. Those that begin with
/// `v2_` or `v3_` exist in one version alone; `libraries_onednn_versions.h` hides the difference.
typedef struct libraries_onednn {
    library_search search;
    int major;             ///< 2 or 3; 0 where none was found.
    int minor, patch;      ///< The rest of the version's number.
    int (*instructions)(void);   ///< A number for the instructions that its kernels use; null in versions that do not tell.

    /// C = alpha op(A) op(B) + beta C, row-major; a transpose is 'N' or 'T'.
    int (*sgemm)(char transposeA, char transposeB, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                 int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

    int (*engine_create)(dnnl_engine *, int kind, size_t index);
    int (*stream_create)(dnnl_stream *, dnnl_engine, unsigned flags);
    int (*stream_wait)(dnnl_stream);
    size_t (*description_size)(dnnl_description);
    int (*descriptions_equal)(dnnl_description, dnnl_description);
    dnnl_description (*query_description)(dnnl_primitive_description, int what, int index);
    int (*query)(dnnl_primitive_description, int what, int index, void *result);
    int (*primitive_description_destroy)(dnnl_primitive_description);
    int (*primitive_create)(dnnl_primitive *, dnnl_primitive_description);
    int (*primitive_execute)(dnnl_primitive, dnnl_stream, int count, const dnnl_argument *);
    int (*primitive_destroy)(dnnl_primitive);
    int (*reorder_description)(dnnl_primitive_description *, dnnl_description from, dnnl_engine, dnnl_description to, dnnl_engine, dnnl_attributes);
    int (*memory_create)(dnnl_memory *, dnnl_description, dnnl_engine, void *data);
    int (*memory_destroy)(dnnl_memory);
    int (*attributes_create)(dnnl_attributes *);
    int (*attributes_set_scratchpad)(dnnl_attributes, int mode);
    int (*attributes_destroy)(dnnl_attributes);

    int (*v2_strided)(void *description, int rank, const int64_t *extents, int type, const int64_t *strides);
    int (*v2_tagged)(void *description, int rank, const int64_t *extents, int type, int tag);
    int (*v2_forward)(void *convolution, int propagation, int algorithm, dnnl_description x, dnnl_description w, dnnl_description bias,
                      dnnl_description y, const int64_t *stride, const int64_t *dilation, const int64_t *before, const int64_t *after);
    int (*v2_input_gradient)(void *convolution, int algorithm, dnnl_description x, dnnl_description w, dnnl_description y,
                             const int64_t *stride, const int64_t *dilation, const int64_t *before, const int64_t *after);
    int (*v2_filter_gradient)(void *convolution, int algorithm, dnnl_description x, dnnl_description w, dnnl_description bias,
                              dnnl_description y, const int64_t *stride, const int64_t *dilation, const int64_t *before, const int64_t *after);
    int (*v2_primitive_description)(dnnl_primitive_description *, const void *operation, dnnl_attributes, dnnl_engine, dnnl_primitive_description hint);

    int (*v3_strided)(dnnl_description *, int rank, const int64_t *extents, int type, const int64_t *strides);
    int (*v3_tagged)(dnnl_description *, int rank, const int64_t *extents, int type, int tag);
    int (*v3_description_destroy)(dnnl_description);
    int (*v3_forward)(dnnl_primitive_description *, dnnl_engine, int propagation, int algorithm, dnnl_description x, dnnl_description w,
                      dnnl_description bias, dnnl_description y, const int64_t *stride, const int64_t *dilation, const int64_t *before,
                      const int64_t *after, dnnl_attributes);
    int (*v3_input_gradient)(dnnl_primitive_description *, dnnl_engine, int algorithm, dnnl_description x, dnnl_description w,
                             dnnl_description y, const int64_t *stride, const int64_t *dilation, const int64_t *before, const int64_t *after,
                             dnnl_primitive_description hint, dnnl_attributes);
    int (*v3_filter_gradient)(dnnl_primitive_description *, dnnl_engine, int algorithm, dnnl_description x, dnnl_description w,
                              dnnl_description bias, dnnl_description y, const int64_t *stride, const int64_t *dilation,
                              const int64_t *before, const int64_t *after, dnnl_primitive_description hint, dnnl_attributes);
} libraries_onednn;

/// Computes a product; false where it is refused, or where there is no memory, which `library_lacked_memory` then answers.
bool libraries_onednn_multiply(const library_product *product);

/// The table, filled by the first call. Safe from any thread.
const libraries_onednn *libraries_onednn_table(void);
