#pragma once
#include "soma_trees.h"

/// What one tree is grown with: its rows, and memory for one node at a time.
typedef struct soma_growth {
    const soma_tree_data *data;
    const soma_tree_options *options;
    uint64_t random;           ///< State of the generator.
    int outputs;               ///< Sums kept of a set of rows: the weight of each class, or those of 1 and of the target.
    long rows;                 ///< Rows of the tree.
    int *order;                ///< [rows]: rows, those of a node together.
    int *spare;                ///< [rows]
    double *row_weights;       ///< [all rows]
    int *features;             ///< [columns], in the order of drawing.
    int *classes;              ///< [rows]: of the node at hand, and the next ones likewise.
    double *targets, *weights;
    uint64_t *keys, *spare_keys;
    double *bins;              ///< [256, outputs], all 0 between uses.
    int *bin_rows;             ///< [256], likewise.
    double *total, *left, *right;  ///< [outputs]
} soma_growth;

/// A split of a node by a column.
typedef struct soma_split {
    int feature;               ///< -1: none.
    uint32_t code;             ///< Codes up to this one go left.
    float threshold;
    double proxy;              ///< Greater where impurity is less: Σ over sides of (Σ sums²) / weight.
} soma_split;

/// The best split of rows order[begin ..< end], whose sums are in `growth->total`.
soma_split soma_best_split(soma_growth *growth, long begin, long end);

/// The next 64 bits: G. L. Steele, D. Lea, C. H. Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014.
static inline uint64_t soma_next_random(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/// A whole number below `bound`.
static inline long soma_random_below(uint64_t *state, long bound) {
    return (long)((unsigned __int128)soma_next_random(state) * (unsigned __int128)bound >> 64);
}
