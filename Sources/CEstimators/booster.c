#include "booster.h"
#include <float.h>
#include <stdlib.h>
#include <string.h>

soma_booster *soma_booster_make(const soma_bins *bins, const soma_boost_options *options, int outputs) {
    soma_booster *booster = calloc(1, sizeof *booster);
    if (booster == NULL) { return NULL; }
    size_t rows = (size_t)bins->rows, leaves = (size_t)options->max_leaves, cells = (size_t)bins->columns * 256;
    *booster = (soma_booster){
        .bins = bins, .options = *options, .outputs = outputs, .gradients = malloc(rows * (size_t)outputs * sizeof(float)),
        .hessians = malloc(rows * (size_t)outputs * sizeof(float)), .order = malloc(rows * sizeof(int)), .spare = malloc(rows * sizeof(int)),
        .node_gradients = malloc(2 * rows * sizeof(float)), .histograms = calloc(leaves + 1, sizeof(soma_histogram)),
        .free_histograms = malloc((leaves + 1) * sizeof(int)), .nodes = malloc(2 * leaves * sizeof(soma_boost_node)),
        .splits = malloc((size_t)bins->columns * sizeof(soma_boost_split))};
    bool complete = booster->gradients && booster->hessians && booster->order && booster->spare && booster->node_gradients
        && booster->histograms && booster->free_histograms && booster->nodes && booster->splits;
    for (size_t i = 0; complete && i <= leaves; i++) {
        booster->histograms[i] = (soma_histogram){malloc(cells * sizeof(soma_bin_sum)), malloc(cells * sizeof(uint32_t))};
        complete = booster->histograms[i].sums != NULL && booster->histograms[i].rows != NULL;
    }
    if (complete) { return booster; }
    soma_booster_free(booster);
    return NULL;
}

void soma_booster_free(soma_booster *b) {
    if (b == NULL) { return; }
    for (long i = 0; b->histograms != NULL && i <= b->options.max_leaves; i++) { free(b->histograms[i].sums), free(b->histograms[i].rows); }
    free(b->gradients), free(b->hessians), free(b->order), free(b->spare), free(b->node_gradients), free(b->histograms), free(b->free_histograms);
    free(b->nodes), free(b->splits), free(b);
}

static int take_histogram(soma_booster *booster) { return booster->free_histograms[--booster->free_count]; }

static void give_back(soma_booster *booster, soma_boost_node *node) {
    if (node->histogram >= 0) { booster->free_histograms[booster->free_count++] = node->histogram; }
    node->histogram = -1;
}

/// Finds the split of a node that has a histogram; one that is to be a leaf gives it back.
static void open_node(soma_booster *booster, soma_boost_node *node) {
    node->split = (soma_boost_split){.gain = 0};
    if (node->depth < booster->options.max_depth && node->end - node->begin >= 2 * booster->options.min_leaf) {
        node->split = soma_best_boost_split(booster, node);
    }
    if (!(node->split.gain > 0)) { give_back(booster, node); }
}

static long partition(soma_booster *booster, const soma_boost_node *node) {
    const soma_boost_split *split = &node->split;
    const uint8_t *codes = booster->bins->codes + split->feature * booster->bins->rows;
    bool goes_left[256];
    for (int code = 0; code < 256; code++) { goes_left[code] = code <= split->bin; }
    goes_left[SOMA_MISSING_BIN] = split->missing_left;
    int *order = booster->order;
    long left = node->begin, others = 0;
    for (long i = node->begin; i < node->end; i++) {
        int row = order[i];
        bool is_left = goes_left[codes[row]];
        order[left] = row;
        booster->spare[others] = row;
        left += is_left, others += !is_left;
    }
    memcpy(order + left, booster->spare, (size_t)others * sizeof *order);
    return left;
}

/// Gives both children of a node histograms: the smaller one by counting, the other by subtraction from the parent's, which it takes over.
static void share_histogram(soma_booster *booster, soma_boost_node *node, soma_boost_node *left, soma_boost_node *right, int output) {
    bool left_is_smaller = left->end - left->begin < right->end - right->begin;
    soma_boost_node *smaller = left_is_smaller ? left : right, *larger = left_is_smaller ? right : left;
    smaller->histogram = take_histogram(booster);
    soma_fill_histogram(booster, smaller, output, &booster->histograms[smaller->histogram]);
    larger->histogram = node->histogram;
    node->histogram = -1;
    soma_subtract_histogram(booster, &booster->histograms[larger->histogram], &booster->histograms[smaller->histogram]);
}

static void split_node(soma_booster *booster, int at, int output) {
    soma_boost_node *node = &booster->nodes[at];
    long middle = partition(booster, node);
    int left = booster->node_count++, right = booster->node_count++;
    node->left = left, node->right = right;
    soma_bin_sum rest = {node->sum.gradient - node->split.left.gradient, node->sum.hessian - node->split.left.hessian};
    booster->nodes[left] = (soma_boost_node){node->begin, middle, node->depth + 1, node->split.left, {0}, -1, -1, -1};
    booster->nodes[right] = (soma_boost_node){middle, node->end, node->depth + 1, rest, {0}, -1, -1, -1};
    share_histogram(booster, node, &booster->nodes[left], &booster->nodes[right], output);
    open_node(booster, &booster->nodes[left]);
    open_node(booster, &booster->nodes[right]);
}

/// The leaf that gains most, the first of equals; -1: none.
static int next_split(const soma_booster *booster) {
    int best = -1;
    for (int i = 0; i < booster->node_count; i++) {
        const soma_boost_node *node = &booster->nodes[i];
        if (node->left >= 0 || !(node->split.gain > 0)) { continue; }
        if (best < 0 || node->split.gain > booster->nodes[best].split.gain) { best = i; }
    }
    return best;
}

/// Writes the nodes below `at` in preorder; adds leaves to `raw`.
static void write_nodes(soma_booster *booster, int at, int output, double *raw, soma_boost_tree *tree) {
    const soma_boost_node *node = &booster->nodes[at];
    long place = tree->count++;
    const soma_boost_options *options = &booster->options;
    bool is_leaf = node->left < 0;
    double value = -node->sum.gradient / (node->sum.hessian + options->l2 + 1e-15) * options->learning_rate;
    tree->feature[place] = is_leaf ? -1 : node->split.feature;
    tree->right[place] = 0, tree->threshold[place] = 0, tree->missing_left[place] = 0, tree->gain[place] = 0, tree->value[place] = 0;
    if (is_leaf) {
        tree->value[place] = (float)value;
        for (long i = node->begin; i < node->end; i++) { raw[(long)booster->order[i] * booster->outputs + output] += (double)(float)value; }
        return;
    }
    bool parts_missing = node->split.bin == booster->bins->counts[node->split.feature] - 1;
    tree->threshold[place] = parts_missing ? FLT_MAX : booster->bins->thresholds[node->split.feature * 255 + node->split.bin];
    tree->missing_left[place] = node->split.missing_left, tree->gain[place] = node->split.gain;
    write_nodes(booster, node->left, output, raw, tree);
    tree->right[place] = (int)tree->count;
    write_nodes(booster, node->right, output, raw, tree);
}

void soma_booster_grow(soma_booster *booster, int output, double *raw, soma_boost_tree *tree) {
    long rows = booster->bins->rows;
    soma_bin_sum sum = {0, 0};
    for (long row = 0; row < rows; row++) {
        booster->order[row] = (int)row;
        sum.gradient += (double)booster->gradients[output * rows + row];
        sum.hessian += booster->has_hessians ? (double)booster->hessians[output * rows + row] : 1;
    }
    booster->free_count = 0;
    for (int i = (int)booster->options.max_leaves; i >= 0; i--) { booster->free_histograms[booster->free_count++] = i; }
    booster->node_count = 1;
    soma_boost_node *root = booster->nodes;
    *root = (soma_boost_node){0, rows, 0, sum, {0}, take_histogram(booster), -1, -1};
    soma_fill_histogram(booster, root, output, &booster->histograms[root->histogram]);
    open_node(booster, root);
    for (long leaves = 1; leaves < booster->options.max_leaves; leaves++) {
        int at = next_split(booster);
        if (at < 0) { break; }
        split_node(booster, at, output);
    }
    tree->count = 0;
    write_nodes(booster, 0, output, raw, tree);
}
