#pragma once
#include "soma_columns.h"

/// How a tree is grown: CART of L. Breiman, J. Friedman, R. Olshen, C. Stone, 1984; its limits count rows, not weights.
typedef struct soma_tree_options {
    int classes;               ///< Gini's impurity of so many classes; 0: variance of a number.
    long max_depth;            ///< Splits from the root to a leaf at most.
    long min_split;            ///< Rows that a node must have to be split.
    long min_leaf;             ///< Rows that either side of a split must have.
    long max_features;         ///< Columns that are tried at a node.
    double min_decrease;       ///< Of the impurity, weighted by the share of rows, that a split must bring.
    bool random_thresholds;    ///< One threshold drawn for each column instead of the best (extra trees).
    bool bootstrap;            ///< Rows are drawn, as many as there are, with replacement.
} soma_tree_options;

/// What trees learn from.
typedef struct soma_tree_data {
    const soma_columns *columns;
    const int *classes;        ///< [rows], or null.
    const double *targets;     ///< [rows], or null.
    const double *weights;     ///< [rows], or null: 1 each. Rows of weight 0 are left out.
} soma_tree_data;

/// A grown tree. Nodes are in preorder: the left child of a node follows it.
typedef struct soma_tree {
    long count, capacity;
    int *feature;              ///< The column that decides; -1: a leaf.
    float *threshold;          ///< A row with x ≤ threshold goes left.
    int *right;                ///< The right child; 0 for a leaf.
    int *samples;              ///< Rows of the node.
    double *impurity, *weight; ///< Impurity, and the sum of weights.
    float *values;             ///< [count, outputs]: shares of the classes, or the mean of the targets.
} soma_tree;

/// Grows trees, one for each seed, side by side on the team; what comes of a seed does not depend on the number of threads.
/// - Parameters:
///   - trees: [count], set; to be freed with `soma_tree_free` in any case.
///   - drawn: [count, (rows + 7) / 8] bits, set where a row was drawn for a tree; or null.
/// - Returns: false where memory cannot be had.
bool soma_trees_grow(const soma_tree_data *data, const soma_tree_options *options, const unsigned long *seeds, long count, soma_tree *trees,
                     unsigned char *drawn);
void soma_tree_free(soma_tree *tree);

/// Trees for prediction, one behind the other.
typedef struct soma_forest {
    long trees, outputs;
    const long *starts;        ///< [trees]: where the nodes of each tree begin.
    const int *feature, *right;
    const float *threshold;
    const unsigned char *missing_left;  ///< [nodes]: whether NaN goes left; or null.
    const float *values;       ///< [nodes, outputs]; for boosted trees [nodes, 1], tree t being for output t mod `outputs`.
    bool is_boosted;
} soma_forest;

/// Adds to `sums`, [rows, outputs], what the trees say of each row of `x`, [rows, columns] row by row.
/// - Parameter drawn: as above: trees pass over the rows that were drawn for them, and `counts`, [rows], tells how many spoke; or null.
void soma_forest_add(const soma_forest *forest, const float *x, long rows, long columns, double *sums, const unsigned char *drawn, int *counts);

/// The order in which minimal cost-complexity pruning cuts the branches off a tree in preorder (Breiman et al., chapter 3).
/// - Parameters:
///   - risk: [count]: impurity times share of the weight.
///   - cut, alphas, risks: [count]: the nodes that become leaves, the weakest link first, with the α at which each goes and the risk that is left.
/// - Returns: how many, or -1 where memory cannot be had.
long soma_prune_path(const int *feature, const int *right, const double *risk, long count, int *cut, double *alphas, double *risks);
