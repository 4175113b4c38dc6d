#include "clones.h"
#include "soma_linear.h"
#include "soma_team.h"
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/// Rows at a time; and into how many parts the rows of a loss are cut, whatever the number of threads.
enum { row_block = 32, slabs = 32 };

typedef struct moments {
    const float *x, *y;
    const double *means, *weights;
    long rows, columns, targets;
    double *result;
    atomic_bool failed;
} moments;

SOMA_CLONES static void add_products(double *restrict sums, const double *restrict z, double factor, long count) {
    for (long i = 0; i < count; i++) { sums[i] += factor * z[i]; }
}

static void centre_row(const moments *m, long row, double *z) {
    for (long i = 0; i < m->columns; i++) { z[i] = (double)m->x[row * m->columns + i] - m->means[i]; }
    for (long i = 0; i < m->targets; i++) { z[m->columns + i] = (double)m->y[row * m->targets + i] - m->means[m->columns + i]; }
}

static void sum_moments(long begin, long end, int part, void *context) {
    (void)part;
    moments *m = context;
    long width = m->columns + m->targets;
    double *block = malloc((size_t)(row_block * width) * sizeof *block);
    if (block == NULL) { m->failed = true; }
    for (long first = 0; first < m->rows && block != NULL; first += row_block) {
        long some = m->rows - first < row_block ? m->rows - first : row_block;
        for (long row = 0; row < some; row++) { centre_row(m, first + row, block + row * width); }
        for (long i = begin; i < end; i++) {
            for (long row = 0; row < some; row++) {
                const double *z = block + row * width;
                double factor = m->weights != NULL ? m->weights[first + row] * z[i] : z[i];
                add_products(m->result + i * width + i, z + i, factor, width - i);
            }
        }
    }
    free(block);
}

bool soma_moments(const float *x, const float *y, const double *means, const double *weights, long rows, long columns, long targets, double *result) {
    long width = columns + targets;
    moments m = {.x = x, .y = y, .means = means, .weights = weights, .rows = rows, .columns = columns, .targets = targets, .result = result};
    memset(result, 0, (size_t)(width * width) * sizeof *result);
    soma_parallel_for(width, 1 + 100000 / (rows * width + 1), sum_moments, &m);
    for (long i = 0; i < width; i++) {
        for (long j = 0; j < i; j++) { result[i * width + j] = result[j * width + i]; }
    }
    return !m.failed;
}

void soma_column_statistics(const float *x, const double *weights, long rows, long columns, double *means, double *squares) {
    double all = 0;
    memset(means, 0, (size_t)columns * sizeof *means), memset(squares, 0, (size_t)columns * sizeof *squares);
    for (long row = 0; row < rows; row++) {
        double weight = weights != NULL ? weights[row] : 1;
        all += weight;
        for (long i = 0; i < columns; i++) { means[i] += weight * (double)x[row * columns + i]; }
    }
    for (long i = 0; i < columns; i++) { means[i] /= all; }
    for (long row = 0; row < rows; row++) {
        double weight = weights != NULL ? weights[row] : 1;
        for (long i = 0; i < columns; i++) {
            double distance = (double)x[row * columns + i] - means[i];
            squares[i] += weight * distance * distance;
        }
    }
    for (long i = 0; i < columns; i++) { squares[i] /= all; }
}

typedef struct logistic {
    const float *x;
    const int *classes;
    const double *weights, *means, *scales, *scores;
    long rows, columns, outputs;
    double *gradients;         ///< [slabs, outputs, columns + 1]
    double losses[slabs];
    atomic_bool failed;
} logistic;

SOMA_CLONES static double dot(const double *restrict a, const double *restrict b, long count) {
#pragma clang fp reassociate(on)
    double sum = 0;
    for (long i = 0; i < count; i++) { sum += a[i] * b[i]; }
    return sum;
}

/// Turns scores into derivatives of the loss by them; returns the loss.
static double loss_of_row(double *scores, long outputs, int class) {
    if (outputs == 1) {
        double z = class == 1 ? scores[0] : -scores[0];
        scores[0] = (class == 1 ? -1 : 1) / (1 + exp(z));
        return fmax(-z, 0) + log1p(exp(-fabs(z)));
    }
    double greatest = scores[0], sum = 0;
    for (long k = 1; k < outputs; k++) { greatest = fmax(greatest, scores[k]); }
    double own = scores[class] - greatest;
    for (long k = 0; k < outputs; k++) { sum += scores[k] = exp(scores[k] - greatest); }
    for (long k = 0; k < outputs; k++) { scores[k] = scores[k] / sum - (k == class); }
    return log(sum) - own;
}

static void add_slabs(long begin, long end, int part, void *context) {
    (void)part;
    logistic *l = context;
    long width = l->columns + 1;
    double *z = malloc((size_t)(width + l->outputs) * sizeof *z), *scores = z + width;
    if (z == NULL) { l->failed = true; }
    for (long slab = begin; slab < end && z != NULL; slab++) {
        double *gradient = l->gradients + slab * l->outputs * width;
        for (long row = l->rows * slab / slabs; row < l->rows * (slab + 1) / slabs; row++) {
            z[0] = 1;
            for (long i = 0; i < l->columns; i++) { z[i + 1] = ((double)l->x[row * l->columns + i] - l->means[i]) * l->scales[i]; }
            for (long k = 0; k < l->outputs; k++) { scores[k] = dot(l->scores + k * width, z, width); }
            double weight = l->weights != NULL ? l->weights[row] : 1;
            l->losses[slab] += weight * loss_of_row(scores, l->outputs, l->classes[row]);
            for (long k = 0; k < l->outputs; k++) { add_products(gradient + k * width, z, weight * scores[k], width); }
        }
    }
    free(z);
}

double soma_logistic_loss(const float *x, const int *classes, const double *weights, long rows, long columns, long outputs, const double *means,
                          const double *scales, const double *scores, double *gradient) {
    long size = outputs * (columns + 1);
    double *inverse = malloc((size_t)columns * sizeof *inverse);
    logistic l = {.x = x, .classes = classes, .weights = weights, .means = means, .scales = inverse, .scores = scores, .rows = rows,
                  .columns = columns, .outputs = outputs, .gradients = calloc((size_t)(slabs * size), sizeof(double))};
    double loss = NAN;
    if (l.gradients != NULL && inverse != NULL) {
        for (long i = 0; i < columns; i++) { inverse[i] = 1 / scales[i]; }
        soma_parallel_for(slabs, rows * size < 20000 ? slabs : 1, add_slabs, &l);
        memset(gradient, 0, (size_t)size * sizeof *gradient);
        loss = 0;
        for (long slab = 0; slab < slabs; slab++) {
            loss += l.losses[slab];
            for (long i = 0; i < size; i++) { gradient[i] += l.gradients[slab * size + i]; }
        }
        if (l.failed) { loss = NAN; }
    }
    free(l.gradients), free(inverse);
    return loss;
}

void soma_solve_symmetric(double *a, long size, double *b) {
    // L below and on the diagonal, row by row.
    for (long i = 0; i < size; i++) {
        double whole = a[i * size + i];
        for (long j = 0; j < i; j++) {
            double pivot = a[j * size + j];
            a[i * size + j] = pivot == 0 ? 0 : (a[i * size + j] - dot(a + i * size, a + j * size, j)) / pivot;
        }
        double rest = whole - dot(a + i * size, a + i * size, i);
        a[i * size + i] = rest > 1e-10 * whole ? sqrt(rest) : 0;
    }
    for (long i = 0; i < size; i++) {
        double pivot = a[i * size + i];
        b[i] = pivot == 0 ? 0 : (b[i] - dot(a + i * size, b, i)) / pivot;
    }
    for (long i = size - 1; i >= 0; i--) {
        double pivot = a[i * size + i], sum = b[i];
        for (long j = i + 1; j < size; j++) { sum -= a[j * size + i] * b[j]; }
        b[i] = pivot == 0 ? 0 : sum / pivot;
    }
}

typedef struct row_sums {
    const float *x;
    long columns, outputs;
    const double *parameters, *precisions, *constants;
    double *sums;
} row_sums;

static void sum_affine(long begin, long end, int part, void *context) {
    (void)part;
    const row_sums *s = context;
    for (long row = begin; row < end; row++) {
        const float *x = s->x + row * s->columns;
        for (long k = 0; k < s->outputs; k++) {
            const double *parameters = s->parameters + k * (s->columns + 1);
            double sum = parameters[0];
            for (long i = 0; i < s->columns; i++) { sum += parameters[i + 1] * (double)x[i]; }
            s->sums[row * s->outputs + k] = sum;
        }
    }
}

void soma_linear_sums(const float *x, long rows, long columns, const double *parameters, long outputs, double *sums) {
    row_sums s = {.x = x, .columns = columns, .outputs = outputs, .parameters = parameters, .sums = sums};
    soma_parallel_for(rows, 1 + 16384 / (columns * outputs + 1), sum_affine, &s);
}

static void sum_gaussian(long begin, long end, int part, void *context) {
    (void)part;
    const row_sums *s = context;
    for (long row = begin; row < end; row++) {
        const float *x = s->x + row * s->columns;
        for (long k = 0; k < s->outputs; k++) {
            const double *means = s->parameters + k * s->columns, *precisions = s->precisions + k * s->columns;
            double sum = 0;
            for (long i = 0; i < s->columns; i++) { sum += ((double)x[i] - means[i]) * ((double)x[i] - means[i]) * precisions[i]; }
            s->sums[row * s->outputs + k] = s->constants[k] - sum / 2;
        }
    }
}

void soma_gaussian_terms(const float *x, long rows, long columns, const double *means, const double *precisions, const double *constants,
                         long outputs, double *sums) {
    row_sums s = {.x = x, .columns = columns, .outputs = outputs, .parameters = means, .precisions = precisions, .constants = constants,
                  .sums = sums};
    soma_parallel_for(rows, 1 + 16384 / (columns * outputs + 1), sum_gaussian, &s);
}
