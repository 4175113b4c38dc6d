#include "clones.h"
#include "soma_kernels.h"
#include "soma_matmul.h"
#include "soma_neighbours.h"
#include "soma_team.h"
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { block_size = 64 };

/// A row that may be among the nearest.
typedef struct candidate { double distance; int row; } candidate;

typedef struct selection {
    const float *x, *y, *y_norms;
    long others, columns, count, first;
    double greatest_norm;
    float *products;
    int *nearest;
    double *distances;
    atomic_bool failed;
} selection;

static int compare(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    if (x->distance != y->distance) { return x->distance < y->distance ? -1 : 1; }
    return (x->row > y->row) - (x->row < y->row);
}

/// ‖y‖² - 2 x·y in place of the products, and the least of each block of them.
SOMA_CLONES static void finish_block(float *restrict products, const float *restrict norms, long others, float *restrict least) {
    for (long begin = 0; begin < others; begin += block_size) {
        float lanes[16];
        for (int lane = 0; lane < 16; lane++) { lanes[lane] = INFINITY; }
        long end = others - begin < block_size ? others : begin + block_size, i = begin;
        for (; i + 16 <= end; i += 16) {
            for (int lane = 0; lane < 16; lane++) {
                float value = norms[i + lane] - 2 * products[i + lane];
                products[i + lane] = value;
                lanes[lane] = value < lanes[lane] ? value : lanes[lane];
            }
        }
        for (; i < end; i++) {
            products[i] = norms[i] - 2 * products[i];
            lanes[0] = products[i] < lanes[0] ? products[i] : lanes[0];
        }
        float found = lanes[0];
        for (int lane = 1; lane < 16; lane++) { found = lanes[lane] < found ? lanes[lane] : found; }
        least[begin / block_size] = found;
    }
}

/// Puts `value` into a heap of the `count` least, whose greatest is first.
static void replace_greatest(float *heap, long count, float value) {
    long at = 0;
    for (long child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1] > heap[child]) { child++; }
        if (heap[child] <= value) { break; }
        heap[at] = heap[child];
    }
    heap[at] = value;
}

/// The count-th least of the values.
static float threshold_of(const selection *s, const float *values, const float *least, float *heap) {
    for (long i = 0; i < s->count; i++) { heap[i] = INFINITY; }
    for (long begin = 0; begin < s->others; begin += block_size) {
        if (least[begin / block_size] >= heap[0]) { continue; }
        long end = s->others - begin < block_size ? s->others : begin + block_size;
        for (long i = begin; i < end; i++) {
            if (values[i] < heap[0]) { replace_greatest(heap, s->count, values[i]); }
        }
    }
    return heap[0];
}

SOMA_CLONES static double squared_distance(const float *x, const float *y, long columns) {
#pragma clang fp reassociate(on)
    double sum = 0;
    for (long i = 0; i < columns; i++) {
        double difference = (double)x[i] - (double)y[i];
        sum += difference * difference;
    }
    return sum;
}

/// How far a value may be from the exact one: the rounding of a sum of `columns` products, and of what is done with it.
static double rounding_bound(const selection *s, double x_norm) {
    double products = 2 * sqrt(x_norm * s->greatest_norm);
    return 0x1p-24 * (((double)s->columns + 8) * products + 4 * s->greatest_norm) + 1e-37;
}

static bool select_row(const selection *s, long row, float *least, float *heap, candidate **candidates, long *room) {
    float *values = s->products + row * s->others;
    const float *x = s->x + row * s->columns;
    finish_block(values, s->y_norms, s->others, least);
    double x_norm = 0;
    for (long i = 0; i < s->columns; i++) { x_norm += (double)x[i] * (double)x[i]; }
    double limit = (double)threshold_of(s, values, least, heap) + 2 * rounding_bound(s, x_norm);
    // Where products may overflow every row is looked at.
    if (!(x_norm + s->greatest_norm < 1e37)) { limit = INFINITY; }
    long found = 0;
    for (long begin = 0; begin < s->others; begin += block_size) {
        if ((double)least[begin / block_size] > limit) { continue; }
        long end = s->others - begin < block_size ? s->others : begin + block_size;
        for (long i = begin; i < end; i++) {
            if ((double)values[i] > limit) { continue; }
            if (found == *room) {
                candidate *larger = realloc(*candidates, (size_t)(*room = 2 * *room + 64) * sizeof(candidate));
                if (larger == NULL) { return false; }
                *candidates = larger;
            }
            (*candidates)[found++] = (candidate){squared_distance(x, s->y + i * s->columns, s->columns), (int)i};
        }
    }
    qsort(*candidates, (size_t)found, sizeof(candidate), compare);
    for (long i = 0; i < s->count; i++) {
        s->nearest[(s->first + row) * s->count + i] = (*candidates)[i].row;
        s->distances[(s->first + row) * s->count + i] = sqrt((*candidates)[i].distance);
    }
    return true;
}

static void select_rows(long begin, long end, int part, void *context) {
    (void)part;
    selection *s = context;
    float *least = malloc((size_t)(s->others / block_size + 1) * sizeof *least), *heap = malloc((size_t)s->count * sizeof *heap);
    candidate *candidates = NULL;
    long room = 0;
    bool ready = least != NULL && heap != NULL;
    for (long row = begin; ready && row < end; row++) { ready = select_row(s, row, least, heap, &candidates, &room); }
    if (!ready) { s->failed = true; }
    free(least), free(heap), free(candidates);
}

bool soma_nearest(const float *x, long rows, const float *y, long others, long columns, long count, long block_bytes, int *nearest,
                  double *distances) {
    long block = block_bytes / (long)sizeof(float) / others;
    block = block < 1 ? 1 : block > 512 ? 512 : block;
    block = block > rows ? rows : block;
    float *products = malloc((size_t)block * (size_t)others * sizeof *products), *norms = malloc((size_t)others * sizeof *norms);
    bool ready = products != NULL && norms != NULL;
    selection s = {.y = y, .y_norms = norms, .others = others, .columns = columns, .count = count, .products = products, .nearest = nearest,
                   .distances = distances};
    if (ready) { soma_squared_norms(y, others, columns, norms); }
    for (long i = 0; ready && i < others; i++) { s.greatest_norm = (double)norms[i] > s.greatest_norm ? (double)norms[i] : s.greatest_norm; }
    for (long first = 0; ready && first < rows; first += block) {
        long some = rows - first < block ? rows - first : block;
        s.first = first, s.x = x + first * columns;
        soma_matmul product = {.rows = some, .columns = others, .depth = columns, .batch = 1, .a_row = columns, .a_depth = 1, .b_depth = 1,
                               .b_column = columns, .c_row = others, .c_column = 1};
        ready = soma_matmul_run(&product, s.x, y, products);
        if (ready) { soma_parallel_for(some, 1 + 16384 / others, select_rows, &s); }
        ready = ready && !s.failed;
    }
    free(products), free(norms);
    return ready;
}
