#pragma once
#include "library_search.h"
#include <stdint.h>

/// The functions of oneDNN that are called, found at run time; null where it is missing.
///
/// Declared here and not taken from its header, so that building needs no oneDNN. What is called is the same in
/// versions 2 and 3; their convolution interfaces differ, `major` tells which one is open.
typedef struct libraries_onednn {
    library_search search;
    int major;             ///< 2 or 3; 0 where none was found.

    /// C = alpha op(A) op(B) + beta C, row-major; a transpose is 'N' or 'T'. Returns 0 for success.
    int (*sgemm)(char transposeA, char transposeB, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                 int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
} libraries_onednn;

/// The table, filled by the first call. Safe from any thread.
const libraries_onednn *libraries_onednn_table(void);
