#pragma once

/// Copies elements of four bytes so that another axis comes to lie side by side: over `columns` the source is contiguous, over `rows` the
/// target is. Further extents are stepped over.
typedef struct soma_transpose {
    long rows, columns;
    long row_stride;               ///< From row to row of the source.
    long column_stride;            ///< From column to column of the target.
    int rank;                      ///< Of the further extents, at most 16.
    long extents[16], source_strides[16], target_strides[16];
} soma_transpose;

/// Runs it on the team.
void soma_transpose_run(const soma_transpose *transpose, const float *source, float *target);
