#include "clones.h"
#include "kernel_cache.h"
#include "soma_team.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/// Variables that are looked at together; arrays are padded to a multiple of it.
enum { block_size = 32, lanes = 8 };

/// A problem being solved. Sᵢ pᵢ + Σⱼ sⱼ αⱼ k(xᵢ, xⱼ) is `slope`: the derivative by αᵢ times sᵢ.
typedef struct solving {
    soma_smo *problem;
    soma_kernel_cache cache;
    float *x, *norms;          ///< The points, gathered.
    long padded;
    double *slope, *diagonal;  ///< [padded]
    double *raised, *lowered;  ///< [padded]: 0 where sᵢ αᵢ may grow or shrink, else -infinity.
    double *block_best;        ///< [padded / block_size]
} solving;

static double max_lanes(const double *values) {
    double best = values[0];
    for (int i = 1; i < lanes; i++) { best = values[i] > best ? values[i] : best; }
    return best;
}

/// The greatest of `raised` - slope, block by block and of all.
SOMA_CLONES static double steepest(const double *restrict raised, const double *restrict slope, long padded, double *restrict block_best) {
    double best = -INFINITY;
    for (long begin = 0; begin < padded; begin += block_size) {
        double found[lanes] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY};
        for (long i = begin; i < begin + block_size; i += lanes) {
            for (int lane = 0; lane < lanes; lane++) {
                double value = raised[i + lane] - slope[i + lane];
                found[lane] = value > found[lane] ? value : found[lane];
            }
        }
        double greatest = max_lanes(found);
        block_best[begin / block_size] = greatest;
        best = greatest > best ? greatest : best;
    }
    return best;
}

typedef struct gain_search {
    double steepest, diagonal;
    double violation;          ///< Set: by how much the conditions of optimality are missed.
} gain_search;

/// Twice a number is exact, so this has the same bits wherever it is compiled, fused or not.
static inline double gain_of(double rise, double quadratic) {
    double gain = rise * rise / (quadratic > 1e-12 ? quadratic : 1e-12);
    return rise > 0 ? gain : -INFINITY;
}

/// How much the objective falls with each variable as the second of the pair: the greatest, block by block and of all.
SOMA_CLONES static double best_gain(const double *restrict lowered, const double *restrict slope, const double *restrict diagonal,
                                    const float *restrict row, long padded, gain_search *search, double *restrict block_best) {
    double best = -INFINITY, violation[lanes] = {0};
    for (long begin = 0; begin < padded; begin += block_size) {
        double found[lanes] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY};
        for (long i = begin; i < begin + block_size; i += lanes) {
            for (int lane = 0; lane < lanes; lane++) {
                double rise = search->steepest + slope[i + lane] + lowered[i + lane];
                double gain = gain_of(rise, search->diagonal + diagonal[i + lane] - 2 * (double)row[i + lane]);
                found[lane] = gain > found[lane] ? gain : found[lane];
                violation[lane] = rise > violation[lane] ? rise : violation[lane];
            }
        }
        double greatest = max_lanes(found);
        block_best[begin / block_size] = greatest;
        best = greatest > best ? greatest : best;
    }
    search->violation = max_lanes(violation);
    return best;
}

SOMA_CLONES static void add_rows(double *restrict slope, const float *restrict a, double a_change, const float *restrict b, double b_change,
                                 long count) {
    for (long i = 0; i < count; i++) { slope[i] += a_change * (double)a[i] + b_change * (double)b[i]; }
}

static long block_of(const solving *s, double best) {
    long block = 0;
    while (s->block_best[block] != best) { block++; }
    return block * block_size;
}

static void mark(solving *s, long i) {
    const soma_smo *p = s->problem;
    bool may_grow = p->alpha[i] < p->upper[i], may_shrink = p->alpha[i] > 0;
    s->raised[i] = (p->signs[i] > 0 ? may_grow : may_shrink) ? 0 : -INFINITY;
    s->lowered[i] = (p->signs[i] > 0 ? may_shrink : may_grow) ? 0 : -INFINITY;
}

/// Moves along the pair to the minimum, or to the bounds: sᵢ αᵢ grows by the step and sⱼ αⱼ shrinks by it.
static double step_along(const solving *s, long i, long j, double rise, double quadratic) {
    const soma_smo *p = s->problem;
    double step = rise / (quadratic > 1e-12 ? quadratic : 1e-12);
    double room_i = p->signs[i] > 0 ? p->upper[i] - p->alpha[i] : p->alpha[i];
    double room_j = p->signs[j] > 0 ? p->alpha[j] : p->upper[j] - p->alpha[j];
    step = step < room_i ? step : room_i;
    return step < room_j ? step : room_j;
}

static void move(const solving *s, long i, double step) {
    soma_smo *p = s->problem;
    double room = p->signs[i] * step > 0 ? p->upper[i] - p->alpha[i] : p->alpha[i];
    // At a bound exactly, so that rounding leaves nothing beside it.
    if (fabs(step) >= room) {
        p->alpha[i] = p->signs[i] * step > 0 ? p->upper[i] : 0;
    } else {
        p->alpha[i] += p->signs[i] * step;
    }
}

/// The kernel of point i with the point of each variable, copied to `wide`, [padded].
static const float *variable_row(solving *s, long i, float *wide) {
    long points = s->problem->points, variables = s->problem->variables;
    const float *row = soma_kernel_row(&s->cache, i % points);
    if (row == NULL) { return NULL; }
    for (long k = 0; k < variables; k += points) { memcpy(wide + k, row, (size_t)(variables - k < points ? variables - k : points) * sizeof *wide); }
    for (long k = variables; k < s->padded; k++) { wide[k] = 0; }
    return wide;
}

/// One pair; false at the optimum or where memory cannot be had.
static bool improve(solving *s, float *row_i, float *row_j) {
    soma_smo *p = s->problem;
    gain_search search = {.steepest = steepest(s->raised, s->slope, s->padded, s->block_best)};
    if (search.steepest == -INFINITY) { return false; }
    long i = block_of(s, search.steepest);
    while (s->raised[i] - s->slope[i] != search.steepest) { i++; }
    search.diagonal = s->diagonal[i];
    const float *a = variable_row(s, i, row_i);
    if (a == NULL) { return !(p->failed = true); }
    double best = best_gain(s->lowered, s->slope, s->diagonal, a, s->padded, &search, s->block_best);
    if (search.violation < p->tolerance || best == -INFINITY) { return false; }
    long j = block_of(s, best);
    double rise, quadratic;
    for (;; j++) {
        rise = search.steepest + s->slope[j] + s->lowered[j];
        quadratic = search.diagonal + s->diagonal[j] - 2 * (double)a[j];
        if (gain_of(rise, quadratic) == best) { break; }
    }
    const float *b = variable_row(s, j, row_j);
    if (b == NULL) { return !(p->failed = true); }
    double step = step_along(s, i, j, rise, quadratic);
    move(s, i, step), move(s, j, -step);
    add_rows(s->slope, a, step, b, -step, s->padded);
    mark(s, i), mark(s, j);
    return true;
}

/// Midway between what free variables ask for: the mean of their slopes, else the middle of the bounds.
static double offset_of(const solving *s) {
    const soma_smo *p = s->problem;
    double sum = 0, upper = INFINITY, lower = -INFINITY;
    long free_count = 0;
    for (long i = 0; i < p->variables; i++) {
        double slope = s->slope[i];
        bool raised = s->raised[i] == 0, lowered = s->lowered[i] == 0;
        if (raised && lowered) { free_count++, sum += slope; }
        else if (raised && slope < upper) { upper = slope; }
        else if (lowered && slope > lower) { lower = slope; }
    }
    return free_count > 0 ? sum / (double)free_count : (upper + lower) / 2;
}

/// Copies the points of the problem one behind the other.
static bool gather(solving *s) {
    const soma_smo *p = s->problem;
    size_t row = (size_t)p->columns * sizeof(float);
    s->x = malloc((size_t)p->points * row), s->norms = malloc((size_t)p->points * sizeof(float));
    if (s->x == NULL || s->norms == NULL) { return false; }
    for (long i = 0; i < p->points; i++) {
        memcpy(s->x + i * p->columns, p->x + p->rows[i] * p->columns, row);
        s->norms[i] = p->norms[p->rows[i]];
    }
    return true;
}

static bool begin(solving *s) {
    soma_smo *p = s->problem;
    s->padded = (p->variables + block_size - 1) / block_size * block_size;
    size_t size = (size_t)s->padded * sizeof(double);
    s->slope = malloc(size), s->diagonal = malloc(size), s->raised = malloc(size), s->lowered = malloc(size), s->block_best = malloc(size);
    if (!s->slope || !s->diagonal || !s->raised || !s->lowered || !s->block_best || !gather(s)) { return false; }
    if (!soma_kernel_cache_make(&s->cache, p, s->x, s->norms)) { return false; }
    for (long i = 0; i < s->padded; i++) {
        s->slope[i] = s->diagonal[i] = 0, s->raised[i] = s->lowered[i] = -INFINITY;
        if (i >= p->variables) { continue; }
        p->alpha[i] = 0;
        s->slope[i] = p->signs[i] * p->linear[i];
        float value;
        long point = i % p->points;
        const float *x = s->x + point * p->columns, *norm = s->norms + point;
        if (!soma_kernel_matrix(&p->kernel, x, norm, 1, x, norm, 1, p->columns, &value)) { return false; }
        s->diagonal[i] = p->kernel.kind == SOMA_KERNEL_RBF ? 1 : (double)value;
        mark(s, i);
    }
    return true;
}

static void solve(soma_smo *problem) {
    solving s = {.problem = problem};
    problem->iterations = 0, problem->offset = 0, problem->failed = false;
    bool ready = begin(&s);
    float *rows = malloc(2 * (size_t)s.padded * sizeof(float));
    if (ready && rows != NULL) {
        while (problem->iterations < problem->max_iterations && improve(&s, rows, rows + s.padded)) { problem->iterations++; }
        problem->offset = offset_of(&s);
    } else {
        problem->failed = true;
    }
    free(rows), free(s.x), free(s.norms), free(s.slope), free(s.diagonal), free(s.raised), free(s.lowered), free(s.block_best);
    soma_kernel_cache_free(&s.cache);
}

static void solve_some(long begin, long end, int part, void *context) {
    (void)part;
    soma_smo *problems = context;
    for (long i = begin; i < end; i++) { solve(&problems[i]); }
}

void soma_smo_solve(soma_smo *problems, long count) {
    long most = 1, at_once = count;
    bool all_fit = true;
    for (long i = 0; i < count; i++) {
        most = problems[i].points > most ? problems[i].points : most;
        all_fit &= soma_kernel_fits(&problems[i]);
    }
    if (count > 0) { at_once = all_fit ? problems[0].cache_bytes / (long)sizeof(float) / most / most : 1; }
    if (at_once <= 1) { return solve_some(0, count, 0, problems); }
    soma_parallel_for(count, (count + at_once - 1) / at_once, solve_some, problems);
}
