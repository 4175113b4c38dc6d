#pragma once
#include <stdbool.h>

/// The nearest rows of `y`, [others, columns], for each row of `x`, [rows, columns], by Euclid's distance; of equal distances the lower row is
/// nearer.
///
/// Products of blocks of rows tell which rows may be among the nearest, by a bound of their rounding; the distances of those are summed in double
/// precision.
/// - Parameters:
///   - nearest, distances: [rows, count], set, the nearest first.
///   - block_bytes: memory for products at once.
/// - Returns: false where memory cannot be had.
bool soma_nearest(const float *x, long rows, const float *y, long others, long columns, long count, long block_bytes, int *nearest,
                  double *distances);
