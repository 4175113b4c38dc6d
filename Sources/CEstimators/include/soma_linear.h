#pragma once
#include <stdbool.h>

/// Sets `moments`, [columns + targets, columns + targets], to Σ weight · (zᵢ - meanᵢ)(zⱼ - meanⱼ) over rows, where z is a row of `x`, [rows,
/// columns], followed by its `targets` of `y`, [rows, targets]. Sums are of rows in their order, in double precision.
/// - Parameters:
///   - means: [columns + targets].
///   - weights: [rows], or null.
bool soma_moments(const float *x, const float *y, const double *means, const double *weights, long rows, long columns, long targets, double *moments);

/// Sets `means`, [columns], and `squares`, [columns], to the weighted mean of each column and of its squared distance from that.
void soma_column_statistics(const float *x, const double *weights, long rows, long columns, double *means, double *squares);

/// The logistic loss of linear scores, Σ weight · -log p(class), and its gradient.
/// - Parameters:
///   - scores: of output k: scores[k · (columns + 1)] + Σ scores[k · (columns + 1) + 1 + i] (xᵢ - meanᵢ) / scaleᵢ; `outputs` of 1: of class 1
///   against 0, which is 0.
///   - gradient: likewise, set.
/// - Returns: the loss; NaN where memory cannot be had.
double soma_logistic_loss(const float *x, const int *classes, const double *weights, long rows, long columns, long outputs, const double *means,
                          const double *scales, const double *scores, double *gradient);

/// Solves A w = b for a symmetric A without negative eigenvalues, [size, size], by Cholesky's decomposition; A is overwritten, `b`, [size],
/// becomes w.
///
/// A column of which less than 1e-10 is left beside the columns before it counts as their combination: its w is 0.
void soma_solve_symmetric(double *a, long size, double *b);

/// Sets `sums`, [rows, outputs], to parameters[k · (columns + 1)] + Σ parameters[k · (columns + 1) + 1 + i] xᵢ.
void soma_linear_sums(const float *x, long rows, long columns, const double *parameters, long outputs, double *sums);

/// Sets `sums`, [rows, outputs], to constants[k] - ½ Σ (xᵢ - means[k, i])² · precisions[k, i].
void soma_gaussian_terms(const float *x, long rows, long columns, const double *means, const double *precisions, const double *constants,
                         long outputs, double *sums);
