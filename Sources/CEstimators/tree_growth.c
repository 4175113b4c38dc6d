#include "soma_team.h"
#include "tree_split.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/// Rows order[begin ..< end], to become a node.
typedef struct pending { long begin, end, depth, parent; } pending;

typedef struct growing {
    const soma_tree_data *data;
    const soma_tree_options *options;
    const unsigned long *seeds;
    soma_tree *trees;
    unsigned char *drawn;
    long rows;
    atomic_bool failed;
} growing;

static bool reserve_node(soma_tree *tree, int outputs) {
    if (tree->count < tree->capacity) { return true; }
    long capacity = tree->capacity < 64 ? 64 : 2 * tree->capacity;
    size_t count = (size_t)capacity;
#define GROW(array, each) \
    { \
        void *memory = realloc(tree->array, count * (each) * sizeof *tree->array); \
        if (memory == NULL) { return false; } \
        tree->array = memory; \
    }
    GROW(feature, 1) GROW(threshold, 1) GROW(right, 1) GROW(samples, 1) GROW(impurity, 1) GROW(weight, 1) GROW(values, (size_t)outputs)
#undef GROW
    tree->capacity = capacity;
    return true;
}

void soma_tree_free(soma_tree *tree) {
    free(tree->feature), free(tree->threshold), free(tree->right), free(tree->samples), free(tree->impurity), free(tree->weight), free(tree->values);
    memset(tree, 0, sizeof *tree);
}

/// Copies what the rows of a node weigh and are, and sums it; returns whether they are alike.
static bool read_node(soma_growth *growth, long begin, long end, double *squares) {
    const soma_tree_data *data = growth->data;
    memset(growth->total, 0, (size_t)growth->outputs * sizeof(double));
    bool alike = true;
    *squares = 0;
    for (long i = 0; i < end - begin; i++) {
        int row = growth->order[begin + i];
        double weight = growth->row_weights[row];
        growth->weights[i] = weight;
        if (growth->options->classes > 0) {
            growth->classes[i] = data->classes[row];
            growth->total[data->classes[row]] += weight;
            alike &= growth->classes[i] == growth->classes[0];
        } else {
            double target = data->targets[row];
            growth->targets[i] = target;
            growth->total[0] += weight, growth->total[1] += weight * target;
            *squares += weight * target * target;
            alike &= target == growth->targets[0];
        }
    }
    return alike;
}

/// Fills in node `at` from the sums of its rows.
static void write_node(const soma_growth *growth, soma_tree *tree, long at, long rows, bool alike, double squares) {
    double weight = 0, impurity;
    if (growth->options->classes > 0) {
        double sum = 0;
        for (int k = 0; k < growth->outputs; k++) { weight += growth->total[k], sum += growth->total[k] * growth->total[k]; }
        for (int k = 0; k < growth->outputs; k++) { tree->values[at * growth->outputs + k] = (float)(growth->total[k] / weight); }
        impurity = 1 - sum / (weight * weight);
    } else {
        weight = growth->total[0];
        double mean = growth->total[1] / weight;
        tree->values[at] = (float)mean;
        impurity = squares / weight - mean * mean;
    }
    tree->feature[at] = -1, tree->threshold[at] = 0, tree->right[at] = 0, tree->samples[at] = (int)rows;
    tree->impurity[at] = alike || impurity < 0 ? 0 : impurity, tree->weight[at] = weight;
}

/// Moves the rows that go left before the others, both in their order; returns where the others begin.
static long partition(soma_growth *growth, long begin, long end, const soma_split *split) {
    const uint8_t *bytes = growth->data->columns->bytes[split->feature];
    const uint32_t *ranks = growth->data->columns->ranks[split->feature];
    int *order = growth->order;
    long left = begin, others = 0;
    for (long i = begin; i < end; i++) {
        int row = order[i];
        bool goes_left = (bytes != NULL ? bytes[row] : ranks[row]) <= split->code;
        order[left] = row;
        growth->spare[others] = row;
        left += goes_left, others += !goes_left;
    }
    memcpy(order + left, growth->spare, (size_t)others * sizeof *order);
    return left;
}

static double side_impurity(const soma_growth *growth, const double *sums) {
    double weight = 0, squares = 0;
    for (int k = 0; k < growth->outputs; k++) { weight += sums[k], squares += sums[k] * sums[k]; }
    return weight - squares / weight;
}

/// How much the split takes from the weighted impurity of the node: its proxy less the same sum over the whole node.
static double decrease(const soma_growth *growth, const soma_split *split) {
    const double *total = growth->total;
    if (growth->options->classes == 0) { return split->proxy - total[1] * total[1] / total[0]; }
    double weight = 0;
    for (int k = 0; k < growth->outputs; k++) { weight += total[k]; }
    return split->proxy - (weight - side_impurity(growth, total));
}

static bool grow_nodes(soma_growth *growth, soma_tree *tree) {
    const soma_tree_options *options = growth->options;
    int values = options->classes > 0 ? growth->outputs : 1;
    long room = 64, waiting = 1;
    pending *stack = malloc((size_t)room * sizeof *stack);
    if (stack == NULL) { return false; }
    stack[0] = (pending){0, growth->rows, 0, -1};
    while (waiting > 0) {
        pending node = stack[--waiting];
        if (!reserve_node(tree, values)) { break; }
        long at = tree->count++, rows = node.end - node.begin;
        if (node.parent >= 0) { tree->right[node.parent] = (int)at; }
        double squares;
        bool alike = read_node(growth, node.begin, node.end, &squares);
        write_node(growth, tree, at, rows, alike, squares);
        if (alike || node.depth >= options->max_depth || rows < options->min_split || rows < 2 * options->min_leaf) { continue; }
        soma_split split = soma_best_split(growth, node.begin, node.end);
        if (split.feature < 0 || decrease(growth, &split) / tree->weight[0] + 2.3e-16 < options->min_decrease) { continue; }
        tree->feature[at] = split.feature, tree->threshold[at] = split.threshold;
        long middle = partition(growth, node.begin, node.end, &split);
        if (waiting + 2 > room) {
            pending *larger = realloc(stack, (size_t)(room *= 2) * sizeof *stack);
            if (larger == NULL) { break; }
            stack = larger;
        }
        stack[waiting++] = (pending){middle, node.end, node.depth + 1, at};
        stack[waiting++] = (pending){node.begin, middle, node.depth + 1, -1};
    }
    bool complete = waiting == 0;
    free(stack);
    return complete;
}

/// The rows of a tree, drawn or all, with their weights.
static void choose_rows(soma_growth *growth, unsigned char *drawn) {
    long all = growth->data->columns->rows;
    bool bootstrap = growth->options->bootstrap;
    for (long row = 0; row < all; row++) { growth->row_weights[row] = !bootstrap; }
    for (long draw = 0; bootstrap && draw < all; draw++) { growth->row_weights[soma_random_below(&growth->random, all)]++; }
    growth->rows = 0;
    for (long row = 0; row < all; row++) {
        if (growth->row_weights[row] > 0 && drawn != NULL) { drawn[row / 8] |= (unsigned char)(1 << row % 8); }
        if (growth->data->weights != NULL) { growth->row_weights[row] *= growth->data->weights[row]; }
        if (growth->row_weights[row] > 0) { growth->order[growth->rows++] = (int)row; }
    }
}

static void free_growth(soma_growth *g) {
    free(g->order), free(g->spare), free(g->row_weights), free(g->features), free(g->classes), free(g->targets), free(g->weights), free(g->keys);
    free(g->bins), free(g->bin_rows), free(g->total);
}

static bool make_growth(soma_growth *growth, const growing *all) {
    size_t rows = (size_t)all->rows, columns = (size_t)all->data->columns->columns;
    int outputs = all->options->classes > 0 ? all->options->classes : 2;
    *growth = (soma_growth){
        .data = all->data, .options = all->options, .outputs = outputs, .order = malloc(rows * sizeof(int)), .spare = malloc(rows * sizeof(int)),
        .row_weights = malloc(rows * sizeof(double)), .features = malloc(columns * sizeof(int)), .classes = malloc(rows * sizeof(int)),
        .targets = malloc(rows * sizeof(double)), .weights = malloc(rows * sizeof(double)), .keys = malloc(2 * rows * sizeof(uint64_t)),
        .bins = calloc(256 * (size_t)outputs, sizeof(double)), .bin_rows = calloc(256, sizeof(int)),
        .total = calloc(3 * (size_t)outputs, sizeof(double))};
    growth->spare_keys = growth->keys + rows;
    growth->left = growth->total + outputs, growth->right = growth->left + outputs;
    return growth->order && growth->spare && growth->row_weights && growth->features && growth->classes && growth->targets && growth->weights
        && growth->keys && growth->bins && growth->bin_rows && growth->total;
}

static void grow_trees(long begin, long end, int part, void *context) {
    (void)part;
    growing *all = context;
    soma_growth growth;
    if (!make_growth(&growth, all)) { all->failed = true; }
    for (long tree = begin; tree < end && !all->failed; tree++) {
        growth.random = all->seeds[tree];
        for (long i = 0; i < all->data->columns->columns; i++) { growth.features[i] = (int)i; }
        choose_rows(&growth, all->drawn != NULL ? all->drawn + tree * ((all->rows + 7) / 8) : NULL);
        // A bootstrap may draw rows of weight 0 alone.
        if (growth.rows == 0) { growth.order[growth.rows++] = 0, growth.row_weights[0] = 1; }
        if (!grow_nodes(&growth, &all->trees[tree])) { all->failed = true; }
    }
    free_growth(&growth);
}

bool soma_trees_grow(const soma_tree_data *data, const soma_tree_options *options, const unsigned long *seeds, long count, soma_tree *trees,
                     unsigned char *drawn) {
    growing all = {.data = data, .options = options, .seeds = seeds, .trees = trees, .drawn = drawn, .rows = data->columns->rows};
    memset(trees, 0, (size_t)count * sizeof *trees);
    if (drawn != NULL) { memset(drawn, 0, (size_t)(count * ((all.rows + 7) / 8))); }
    soma_parallel_for(count, 1, grow_trees, &all);
    return !all.failed;
}
