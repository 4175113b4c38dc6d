#include "clones.h"
#include "soma_kernels.h"
#include "soma_matmul.h"
#include "soma_team.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct transformation {
    soma_kernel kernel;
    const float *x_norms, *y_norms;
    long others;
    float *values;
} transformation;

/// eˣ for x ≤ 0, within 2 units in the last place: e^x = 2ⁿ eʳ with |r| ≤ ½ ln 2, and eʳ by its series to the 7th power.
static inline float exp_of_negative(float x) {
    x = x < -87.0f ? -87.0f : x;
    float shifted = x * 1.44269504f + 12582912.0f, n = shifted - 12582912.0f;
    float r = (x - n * 0.693145752f) - n * 1.42860677e-6f;
    float rest = 0.0416666667f + r * (0.00833333333f + r * (0.00138888889f + r * 0.000198412698f));
    float power = 1 + r * (1 + r * (0.5f + r * (0.166666667f + r * rest)));
    int32_t exponent;
    memcpy(&exponent, &shifted, sizeof exponent);
    int32_t bits = (exponent - 0x4B400000 + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return power * scale;
}

SOMA_CLONES static void radial_row(float *restrict values, const float *restrict y_norms, long count, float x_norm, float gamma) {
    for (long i = 0; i < count; i++) {
        float distance = x_norm + y_norms[i] - 2 * values[i];
        values[i] = exp_of_negative(-gamma * (distance < 0 ? 0 : distance));
    }
}

SOMA_CLONES static void power_row(float *values, long count, float gamma, float constant, int degree) {
    for (long i = 0; i < count; i++) {
        float base = gamma * values[i] + constant, power = 1;
        for (int factor = 0; factor < degree; factor++) { power *= base; }
        values[i] = power;
    }
}

static void transform_rows(long begin, long end, int part, void *context) {
    (void)part;
    const transformation *t = context;
    for (long row = begin; row < end; row++) {
        float *values = t->values + row * t->others;
        switch (t->kernel.kind) {
        case SOMA_KERNEL_LINEAR: break;
        case SOMA_KERNEL_POLYNOMIAL: power_row(values, t->others, t->kernel.gamma, t->kernel.constant, t->kernel.degree); break;
        case SOMA_KERNEL_RBF: radial_row(values, t->y_norms, t->others, t->x_norms[row], t->kernel.gamma); break;
        }
    }
}

bool soma_kernel_matrix(const soma_kernel *kernel, const float *x, const float *x_norms, long rows, const float *y, const float *y_norms, long others,
                        long columns, float *values) {
    soma_matmul product = {.rows = rows, .columns = others, .depth = columns, .batch = 1, .a_row = columns, .a_depth = 1, .b_depth = 1,
                           .b_column = columns, .c_row = others, .c_column = 1};
    if (!soma_matmul_run(&product, x, y, values)) { return false; }
    transformation t = {*kernel, x_norms, y_norms, others, values};
    soma_parallel_for(rows, 1 + 16384 / others, transform_rows, &t);
    return true;
}

typedef struct norm_run { const float *x; long columns; float *norms; } norm_run;

static void norms_of_rows(long begin, long end, int part, void *context) {
    (void)part;
    const norm_run *run = context;
    for (long row = begin; row < end; row++) {
        double sum = 0;
        for (long i = 0; i < run->columns; i++) {
            double x = (double)run->x[row * run->columns + i];
            sum += x * x;
        }
        run->norms[row] = (float)sum;
    }
}

void soma_squared_norms(const float *x, long rows, long columns, float *norms) {
    norm_run run = {x, columns, norms};
    soma_parallel_for(rows, 1 + 16384 / columns, norms_of_rows, &run);
}

bool soma_kernel_sums(const soma_kernel *kernel, const float *x, const float *x_norms, long rows, const float *y, const float *y_norms, long others,
                      long columns, const float *coefficients, long outputs, long block_bytes, float *sums) {
    long block = block_bytes / (long)sizeof(float) / others;
    block = block < 2 ? 2 : block > rows ? rows : block;
    float *values = malloc((size_t)block * (size_t)others * sizeof *values);
    bool ready = values != NULL;
    for (long first = 0; ready && first < rows; first += block) {
        // A product of one row is summed in another order than one of several: no block has a single row.
        if (rows - first == 1) { first--; }
        long some = rows - first < block ? rows - first : block;
        soma_matmul product = {.rows = some, .columns = outputs, .depth = others, .batch = 1, .a_row = others, .a_depth = 1, .b_depth = outputs,
                               .b_column = 1, .c_row = outputs, .c_column = 1};
        ready = soma_kernel_matrix(kernel, x + first * columns, x_norms + first, some, y, y_norms, others, columns, values)
            && soma_matmul_run(&product, values, coefficients, sums + first * outputs);
    }
    free(values);
    return ready;
}

void soma_subtract_row(const float *x, const float *centre, long rows, long columns, float *result) {
    for (long row = 0; row < rows; row++) {
        for (long i = 0; i < columns; i++) { result[row * columns + i] = x[row * columns + i] - centre[i]; }
    }
}
