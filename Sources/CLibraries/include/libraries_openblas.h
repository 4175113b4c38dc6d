#pragma once
#include "library_guard.h"
#include "library_search.h"

/// The functions of OpenBLAS that are called, found at run time; null where it is missing.
typedef struct libraries_openblas {
    library_search search;

    /// C = alpha op(A) op(B) + beta C. Order 101 is row-major; a transpose of 111 is none, 112 transposed.
    void (*sgemm)(int order, int transposeA, int transposeB, int m, int n, int k, float alpha, const float *a, int lda,
                  const float *b, int ldb, float beta, float *c, int ldc);

    /// How it was built: 0 sequential, 1 its own pthreads, 2 OpenMP.
    /// Only the OpenMP build shares its threads with everything else here.
    int (*parallel)(void);

    char *(*config)(void);
    void (*set_threads)(int count);
} libraries_openblas;

/// Computes a product; false where there is no memory, which `library_lacked_memory` then answers.
bool libraries_openblas_multiply(const library_product *product);

/// The table, filled by the first call. Safe from any thread.
const libraries_openblas *libraries_openblas_table(void);
