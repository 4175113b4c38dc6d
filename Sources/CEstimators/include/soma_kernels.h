#pragma once
#include <stdbool.h>

/// A kernel k(x, y) of a support vector machine.
typedef enum soma_kernel_kind {
    SOMA_KERNEL_LINEAR,        ///< x·y
    SOMA_KERNEL_POLYNOMIAL,    ///< (gamma x·y + constant)^degree
    SOMA_KERNEL_RBF,           ///< exp(-gamma ‖x - y‖²)
} soma_kernel_kind;

typedef struct soma_kernel {
    soma_kernel_kind kind;
    float gamma, constant;
    int degree;
} soma_kernel;

/// Sets `values`, [rows, others], to the kernel of each row of `x`, [rows, columns], and each of `y`, [others, columns].
/// - Parameter x_norms, y_norms: the squared lengths of rows; read for the RBF kernel alone.
/// - Returns: false where memory cannot be had.
bool soma_kernel_matrix(const soma_kernel *kernel, const float *x, const float *x_norms, long rows, const float *y, const float *y_norms, long others,
                        long columns, float *values);

/// Sets `sums`, [rows, outputs], to Σ over the rows of `y` of the kernel times `coefficients`, [others, outputs], with at most about `block_bytes`
/// of kernels at once. The sums of a row have the same bits whatever the other rows are. There are two rows at least.
bool soma_kernel_sums(const soma_kernel *kernel, const float *x, const float *x_norms, long rows, const float *y, const float *y_norms, long others,
                      long columns, const float *coefficients, long outputs, long block_bytes, float *sums);

/// Sets `result`, [rows, columns], to each row of `x` less `centre`.
void soma_subtract_row(const float *x, const float *centre, long rows, long columns, float *result);

/// Sets `norms`, [rows], to the squared lengths of rows.
void soma_squared_norms(const float *x, long rows, long columns, float *norms);

/// One problem of sequential minimal optimisation: minimise ½ Σᵢⱼ sᵢ sⱼ αᵢ αⱼ k(xᵢ, xⱼ) + Σ pᵢ αᵢ so that Σ sᵢ αᵢ = 0 and 0 ≤ αᵢ ≤ Cᵢ.
/// Variable i is about point i mod `points`.
typedef struct soma_smo {
    soma_kernel kernel;
    const float *x, *norms;    ///< Rows of a matrix, [_, columns], and their squared lengths.
    const int *rows;           ///< [points]: the rows that are the points.
    long points, columns, variables;
    const signed char *signs;  ///< [variables]: s, 1 or -1
    const double *linear;      ///< [variables]: p
    const double *upper;       ///< [variables]: C
    double tolerance;          ///< By how much the conditions of optimality may be missed.
    long max_iterations;
    long cache_bytes;          ///< For rows of the kernel matrix; all are computed at once where they have room.
    double *alpha;             ///< [variables], set.
    double offset;             ///< Set: what is subtracted from Σ sᵢ αᵢ k(xᵢ, x).
    long iterations;           ///< Set.
    bool failed;               ///< Set where memory cannot be had.
} soma_smo;

/// Solves problems side by side on the team, as many at once as `cache_bytes` has room for whole kernel matrices of.
///
/// The pair of variables to change is picked by second-order information: R.-E. Fan, P.-H. Chen, C.-J. Lin, *Working Set Selection Using Second Order
/// Information for Training Support Vector Machines*, JMLR 6, 2005.
void soma_smo_solve(soma_smo *problems, long count);
