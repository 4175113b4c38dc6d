#include "soma_team.h"
#include "soma_trees.h"
#include <math.h>
#include <stddef.h>

/// Rows that go through a tree one after another, while its nodes are in the cache.
enum { block_rows = 64 };

typedef struct walk {
    const soma_forest *forest;
    const float *x;
    long rows, columns;
    double *sums;
    const unsigned char *drawn;
    int *counts;
} walk;

static inline long leaf_of(const soma_forest *forest, long start, const float *row) {
    long node = 0;
    for (int feature; (feature = forest->feature[start + node]) >= 0;) {
        float value = row[feature];
        bool left = value <= forest->threshold[start + node];
        if (forest->missing_left != NULL && isnan(value)) { left = forest->missing_left[start + node]; }
        node = left ? node + 1 : forest->right[start + node];
    }
    return node;
}

static void add_block(const walk *walk, long tree, long begin, long end) {
    const soma_forest *forest = walk->forest;
    long start = forest->starts[tree], outputs = forest->outputs;
    const unsigned char *drawn = walk->drawn != NULL ? walk->drawn + tree * ((walk->rows + 7) / 8) : NULL;
    for (long row = begin; row < end; row++) {
        if (drawn != NULL && drawn[row / 8] >> row % 8 & 1) { continue; }
        if (drawn != NULL) { walk->counts[row]++; }
        long leaf = start + leaf_of(forest, start, walk->x + row * walk->columns);
        if (forest->is_boosted) {
            walk->sums[row * outputs + tree % outputs] += (double)forest->values[leaf];
        } else {
            for (long k = 0; k < outputs; k++) { walk->sums[row * outputs + k] += (double)forest->values[leaf * outputs + k]; }
        }
    }
}

static void add_rows(long begin, long end, int part, void *context) {
    (void)part;
    const walk *walk = context;
    for (long first = begin; first < end; first += block_rows) {
        long last = end - first < block_rows ? end : first + block_rows;
        for (long tree = 0; tree < walk->forest->trees; tree++) { add_block(walk, tree, first, last); }
    }
}

void soma_forest_add(const soma_forest *forest, const float *x, long rows, long columns, double *sums, const unsigned char *drawn, int *counts) {
    walk walk = {.forest = forest, .x = x, .rows = rows, .columns = columns, .sums = sums, .drawn = drawn, .counts = counts};
    soma_parallel_for(rows, 1 + 1000 / (forest->trees + 1), add_rows, &walk);
}
