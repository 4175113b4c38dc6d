#pragma once
#include "soma_nest.h"
#include <stdbool.h>

/// One matrix product, or a batch of them: C = A B, or C += A B, in float32.
///
/// Any layout is told by strides, in elements: A is (rows, depth), B is (depth, columns), C is (rows, columns), and a transposed
/// operand is one with its two strides exchanged. A stride may be zero or negative, but the elements of C must be distinct.
typedef struct soma_matmul {
    long rows, columns, depth, batch;
    long a_row, a_depth, a_batch;
    long b_depth, b_column, b_batch;
    long c_row, c_column, c_batch;
    bool accumulate;           ///< Add to what C holds.
} soma_matmul;

/// What becomes of a product: a map over the elements of all of C, which must be contiguous.
typedef struct soma_epilogue {
    const soma_nest *nest;
    const soma_bindings *bindings;
} soma_epilogue;

/// Computes it with the project's own kernels, on the team. False where scratch memory cannot be had.
bool soma_matmul_run(const soma_matmul *product, const float *a, const float *b, float *c);

/// Computes it, and the epilogue: over some rows of C as soon as they are done, while the cache has them, or over all at last. The epilogue must not
/// write what A and B are read from.
bool soma_matmul_run_with(const soma_matmul *product, const float *a, const float *b, float *c, const soma_epilogue *epilogue);
