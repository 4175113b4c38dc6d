#pragma once
#include "soma_boosting.h"
#include <stdint.h>

/// What is summed over the rows of a bin.
typedef struct soma_bin_sum { double gradient, hessian; } soma_bin_sum;

/// Sums of a node, a bin for each code.
typedef struct soma_histogram {
    soma_bin_sum *sums;        ///< [columns, 256]
    uint32_t *rows;            ///< [columns, 256]
} soma_histogram;

/// A split of a node.
typedef struct soma_boost_split {
    double gain;               ///< At most 0: none.
    int feature, bin;          ///< Codes up to `bin` go left.
    bool missing_left;
    soma_bin_sum left;
    long left_rows;
} soma_boost_split;

/// A node while its tree grows.
typedef struct soma_boost_node {
    long begin, end, depth;    ///< Rows order[begin ..< end].
    soma_bin_sum sum;
    soma_boost_split split;
    int histogram;             ///< -1: none.
    int left, right;           ///< -1: a leaf.
} soma_boost_node;

struct soma_booster {
    const soma_bins *bins;
    soma_boost_options options;
    int outputs;
    bool has_hessians;         ///< Otherwise every second derivative is 1.
    float *gradients, *hessians;           ///< [outputs, rows]
    int *order, *spare;        ///< [rows]
    float *node_gradients;     ///< [rows, 2]: of the node at hand, in its order.
    soma_histogram *histograms;            ///< [max_leaves + 1]
    int *free_histograms, free_count;
    soma_boost_node *nodes;
    int node_count;
    soma_boost_split *splits;  ///< [columns]
};

/// Fills the histogram of a node from its rows, for the derivatives of one output.
void soma_fill_histogram(soma_booster *booster, const soma_boost_node *node, int output, const soma_histogram *histogram);

/// What is left of the sums of a parent without those of one child.
void soma_subtract_histogram(soma_booster *booster, const soma_histogram *parent, const soma_histogram *child);

/// The best split of a node by its histogram.
soma_boost_split soma_best_boost_split(soma_booster *booster, const soma_boost_node *node);
