#include "soma_trees.h"
#include <math.h>
#include <stdlib.h>

/// A tree being pruned, with a tournament over its branches whose winner is the weakest link.
typedef struct pruning {
    const int *feature, *right;
    int *parent;
    long *leaves;              ///< Of each node's branch.
    double *branch_risk;       ///< The sum of their risks.
    double *alphas;            ///< [2 · size]: a heap-shaped tournament; α of node i at size + i, infinite for what is no branch.
    long size;
} pruning;

static void replay(pruning *p, long node, double alpha) {
    long at = p->size + node;
    p->alphas[at] = alpha;
    for (at /= 2; at > 0; at /= 2) {
        double left = p->alphas[2 * at], right = p->alphas[2 * at + 1];
        p->alphas[at] = left <= right ? left : right;
    }
}

static long weakest(const pruning *p) {
    long at = 1;
    while (at < p->size) { at = p->alphas[2 * at] <= p->alphas[2 * at + 1] ? 2 * at : 2 * at + 1; }
    return at - p->size;
}

static double alpha_of(const pruning *p, const double *risk, long node) {
    return (risk[node] - p->branch_risk[node]) / (double)(p->leaves[node] - 1);
}

static void begin(pruning *p, const double *risk, long count) {
    p->parent[0] = -1;
    for (long node = 0; node < count; node++) {
        if (p->feature[node] >= 0) { p->parent[node + 1] = (int)node, p->parent[p->right[node]] = (int)node; }
    }
    for (long at = 0; at < 2 * p->size; at++) { p->alphas[at] = INFINITY; }
    for (long node = count - 1; node >= 0; node--) {
        bool is_leaf = p->feature[node] < 0;
        long left = node + 1, right = p->right[node];
        p->leaves[node] = is_leaf ? 1 : p->leaves[left] + p->leaves[right];
        p->branch_risk[node] = is_leaf ? risk[node] : p->branch_risk[left] + p->branch_risk[right];
        if (!is_leaf) { replay(p, node, alpha_of(p, risk, node)); }
    }
}

/// Takes what lies below `node` out of the tournament.
static void close_branch(pruning *p, long node, long count) {
    long open = 1;
    for (long at = node; at < count && open > 0; at++) {
        open += p->feature[at] >= 0 ? 1 : -1;
        if (p->feature[at] >= 0 && p->alphas[p->size + at] < INFINITY) { replay(p, at, INFINITY); }
    }
}

static long prune(pruning *p, const double *risk, long count, int *cut, double *alphas, double *risks) {
    long cuts = 0;
    while (p->alphas[1] < INFINITY) {
        long node = weakest(p), leaves = p->leaves[node] - 1;
        double more = risk[node] - p->branch_risk[node];
        cut[cuts] = (int)node, alphas[cuts] = p->alphas[1];
        close_branch(p, node, count);
        for (long at = node; at >= 0; at = p->parent[at]) {
            p->leaves[at] -= leaves, p->branch_risk[at] += more;
            if (at != node) { replay(p, at, alpha_of(p, risk, at)); }
        }
        risks[cuts++] = p->branch_risk[0];
    }
    return cuts;
}

long soma_prune_path(const int *feature, const int *right, const double *risk, long count, int *cut, double *alphas, double *risks) {
    long size = 2;
    while (size < count) { size *= 2; }
    pruning p = {.feature = feature, .right = right, .size = size, .parent = malloc((size_t)count * sizeof(int)),
                 .leaves = malloc((size_t)count * sizeof(long)), .branch_risk = malloc((size_t)count * sizeof(double)),
                 .alphas = malloc(2 * (size_t)size * sizeof(double))};
    long cuts = -1;
    if (p.parent && p.leaves && p.branch_risk && p.alphas) {
        begin(&p, risk, count);
        cuts = prune(&p, risk, count, cut, alphas, risks);
    }
    free(p.parent), free(p.leaves), free(p.branch_risk), free(p.alphas);
    return cuts;
}
