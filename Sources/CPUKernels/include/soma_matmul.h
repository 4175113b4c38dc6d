#pragma once
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

/// Computes it with the project's own kernels, on the team. False where scratch memory cannot be had.
bool soma_matmul_run(const soma_matmul *product, const float *a, const float *b, float *c);
