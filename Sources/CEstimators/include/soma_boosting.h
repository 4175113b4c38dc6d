#pragma once
#include "soma_columns.h"

/// How a tree of a boosted sum is grown: leaf by leaf, the one that gains most first.
typedef struct soma_boost_options {
    long max_leaves;           ///< At least 2.
    long max_depth;            ///< Splits from the root to a leaf at most.
    long min_leaf;             ///< Rows that either side of a split must have.
    double l2;                 ///< Added to the sum of second derivatives.
    double learning_rate;      ///< Leaves are multiplied by it.
} soma_boost_options;

/// A tree in preorder: the left child of a node follows it.
typedef struct soma_boost_tree {
    long count;
    int *feature;              ///< [2 · max_leaves - 1]; -1: a leaf.
    int *right;
    float *threshold;
    unsigned char *missing_left;
    float *value;              ///< Of a leaf: -G / (H + l2) times the learning rate.
    double *gain;              ///< G² / (H + l2) of the children less that of the node.
} soma_boost_tree;

/// Memory to grow trees in, kept from one to the next.
typedef struct soma_booster soma_booster;

/// A booster of sums with so many outputs; null where memory cannot be had.
soma_booster *soma_booster_make(const soma_bins *bins, const soma_boost_options *options, int outputs);
void soma_booster_free(soma_booster *booster);

typedef enum soma_boost_loss { SOMA_SQUARED_ERROR, SOMA_LOGISTIC, SOMA_SOFTMAX } soma_boost_loss;

/// Takes the first and second derivatives of the loss by each of the sums `raw`, [rows, outputs], times the weight of the row.
/// - Parameters:
///   - targets: [rows]: a number, or a class from 0.
///   - weights: [rows], or null.
void soma_booster_differentiate(soma_booster *booster, soma_boost_loss loss, const double *raw, const double *targets, const double *weights);

/// Grows the tree of one output by the derivatives, and adds its leaves to `raw`, [rows, outputs].
/// J. H. Friedman, *Greedy Function Approximation: A Gradient Boosting Machine*, 2001; histograms as in G. Ke et al., *LightGBM*, 2017.
void soma_booster_grow(soma_booster *booster, int output, double *raw, soma_boost_tree *tree);

/// The mean loss, by weights: half the squared error, or minus the logarithm of the probability of the right class.
double soma_boost_loss_of(soma_boost_loss loss, int outputs, const double *raw, const double *targets, const double *weights, long rows);
