#pragma once
#include <stdbool.h>
#include <stdint.h>

/// The columns of a matrix as codes: the rank of each number among the distinct numbers of its column, so that splitting by codes is splitting by
/// numbers, exactly.
typedef struct soma_columns {
    long rows, columns;
    uint8_t **bytes;           ///< [columns]: codes of a column with at most 256 distinct numbers, else null.
    uint32_t **ranks;          ///< [columns]: codes of any other column, else null.
    float **values;            ///< [columns]: the distinct numbers of each column, ascending.
    long *distinct;            ///< [columns]: how many there are.
} soma_columns;

/// Codes the columns of `x`, [rows, columns] row by row, which must be free of NaN. Null where memory cannot be had.
soma_columns *soma_columns_make(const float *x, long rows, long columns);
void soma_columns_free(soma_columns *columns);

/// Columns cut into at most 255 bins each, for histograms.
typedef struct soma_bins {
    long rows, columns;
    uint8_t *codes;            ///< [columns, rows], column by column: the bin of each number; `SOMA_MISSING_BIN` for NaN.
    float *thresholds;         ///< [columns, 255]: the number x is in the first bin b with x ≤ thresholds[b], else in the last one.
    int *counts;               ///< [columns]: bins, which are one more than thresholds.
    bool *has_missing;         ///< [columns]
} soma_bins;

enum { SOMA_MISSING_BIN = 255 };

/// Cuts each column of `x`, [rows, columns] row by row: midway between neighbours where there are at most `most` distinct numbers, else at `most` - 1
/// quantiles. Null where memory cannot be had.
soma_bins *soma_bins_make(const float *x, long rows, long columns, int most);
void soma_bins_free(soma_bins *bins);

/// Whether all numbers are finite; with `allows_missing`, finite or NaN. `at` is set to the first that is not.
bool soma_all_finite(const float *x, long count, bool allows_missing, long *at);
