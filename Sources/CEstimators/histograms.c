#include "booster.h"
#include "soma_team.h"
#include <string.h>

typedef struct filling {
    soma_booster *booster;
    const soma_boost_node *node;
    const soma_histogram *histogram, *child;
    const float *gradients, *hessians;
} filling;

static void order_gradients(long begin, long end, int part, void *context) {
    (void)part;
    const filling *filling = context;
    const int *order = filling->booster->order + filling->node->begin;
    float *ordered = filling->booster->node_gradients;
    for (long i = begin; i < end; i++) {
        ordered[2 * i] = filling->gradients[order[i]];
        ordered[2 * i + 1] = filling->booster->has_hessians ? filling->hessians[order[i]] : 1;
    }
}

static inline void add_row(soma_bin_sum *sums, uint32_t *rows, uint32_t code, float gradient, float hessian) {
    sums[code].gradient += (double)gradient;
    sums[code].hessian += (double)hessian;
    rows[code]++;
}

/// Four columns at a time: their additions wait for memory together.
static void fill_four(const soma_histogram *histogram, const soma_bins *bins, long column, const int *order, const float *ordered, long count) {
    soma_bin_sum *sums = histogram->sums + column * 256;
    uint32_t *rows = histogram->rows + column * 256;
    const uint8_t *a = bins->codes + column * bins->rows, *b = a + bins->rows, *c = b + bins->rows, *d = c + bins->rows;
    for (long i = 0; i < count; i++) {
        float gradient = ordered[2 * i], hessian = ordered[2 * i + 1];
        int row = order[i];
        add_row(sums, rows, a[row], gradient, hessian);
        add_row(sums + 256, rows + 256, b[row], gradient, hessian);
        add_row(sums + 512, rows + 512, c[row], gradient, hessian);
        add_row(sums + 768, rows + 768, d[row], gradient, hessian);
    }
}

static void fill_columns(long begin, long end, int part, void *context) {
    (void)part;
    const filling *filling = context;
    const soma_bins *bins = filling->booster->bins;
    const soma_histogram *histogram = filling->histogram;
    const int *order = filling->booster->order + filling->node->begin;
    const float *ordered = filling->booster->node_gradients;
    long count = filling->node->end - filling->node->begin, column = begin;
    memset(histogram->sums + begin * 256, 0, 256 * (size_t)(end - begin) * sizeof(soma_bin_sum));
    memset(histogram->rows + begin * 256, 0, 256 * (size_t)(end - begin) * sizeof(uint32_t));
    for (; column + 4 <= end; column += 4) { fill_four(histogram, bins, column, order, ordered, count); }
    for (; column < end; column++) {
        const uint8_t *codes = bins->codes + column * bins->rows;
        for (long i = 0; i < count; i++) {
            add_row(histogram->sums + column * 256, histogram->rows + column * 256, codes[order[i]], ordered[2 * i], ordered[2 * i + 1]);
        }
    }
}

void soma_fill_histogram(soma_booster *booster, const soma_boost_node *node, int output, const soma_histogram *histogram) {
    filling filling = {.booster = booster, .node = node, .histogram = histogram, .gradients = booster->gradients + output * booster->bins->rows,
                       .hessians = booster->hessians + output * booster->bins->rows};
    long rows = node->end - node->begin;
    soma_parallel_for(rows, 8192, order_gradients, &filling);
    soma_parallel_for(booster->bins->columns, 1 + 8192 / rows, fill_columns, &filling);
}

void soma_subtract_histogram(soma_booster *booster, const soma_histogram *parent, const soma_histogram *child) {
    for (long i = 0; i < booster->bins->columns * 256; i++) {
        parent->sums[i].gradient -= child->sums[i].gradient;
        parent->sums[i].hessian -= child->sums[i].hessian;
        parent->rows[i] -= child->rows[i];
    }
}

/// A search among the bins of one column.
typedef struct search {
    const soma_booster *booster;
    const soma_boost_node *node;
    soma_boost_split best;
    double node_score;
} search;

static const double least_hessian = 1e-3;

static double score(soma_bin_sum sum, double l2) { return sum.gradient * sum.gradient / (sum.hessian + l2 + 1e-15); }

/// Whether the sides are large enough to consider; `stops` is set where those to come are not either.
static bool is_allowed(const search *search, soma_bin_sum grown, soma_bin_sum rest, long grown_rows, long rest_rows, bool *stops) {
    long least = search->booster->options.min_leaf;
    *stops = rest_rows < least || rest.hessian < least_hessian;
    return !*stops && grown_rows >= least && grown.hessian >= least_hessian;
}

/// Grows one side bin by bin: the left side from the lowest, or the right side from the highest; missing numbers stay on the other.
static void scan(search *search, int feature, bool from_left) {
    const soma_bins *bins = search->booster->bins;
    const soma_histogram *histogram = &search->booster->histograms[search->node->histogram];
    const soma_bin_sum *sums = histogram->sums + (long)feature * 256;
    const uint32_t *rows = histogram->rows + (long)feature * 256;
    long all_rows = search->node->end - search->node->begin, grown_rows = 0;
    soma_bin_sum grown = {0, 0}, all = search->node->sum;
    int count = bins->counts[feature];
    // Only missing numbers may be to the right of all bins.
    int turns = from_left && rows[SOMA_MISSING_BIN] > 0 ? count : count - 1;
    for (int turn = 0; turn < turns; turn++) {
        int bin = from_left ? turn : count - 1 - turn;
        if (rows[bin] == 0) { continue; }
        grown.gradient += sums[bin].gradient, grown.hessian += sums[bin].hessian, grown_rows += rows[bin];
        soma_bin_sum rest = {all.gradient - grown.gradient, all.hessian - grown.hessian};
        bool stops = false;
        if (!is_allowed(search, grown, rest, grown_rows, all_rows - grown_rows, &stops)) {
            if (stops) { return; }
            continue;
        }
        double l2 = search->booster->options.l2;
        double gain = score(grown, l2) + score(rest, l2) - search->node_score;
        if (!(gain > search->best.gain)) { continue; }
        search->best = (soma_boost_split){gain, feature, from_left ? bin : bin - 1, !from_left, from_left ? grown : rest,
                                          from_left ? grown_rows : all_rows - grown_rows};
    }
}

static void search_columns(long begin, long end, int part, void *context) {
    (void)part;
    search *shared = context;
    for (long feature = begin; feature < end; feature++) {
        search search = *shared;
        scan(&search, (int)feature, true);
        const soma_histogram *histogram = &search.booster->histograms[search.node->histogram];
        bool has_missing = histogram->rows[feature * 256 + SOMA_MISSING_BIN] > 0;
        if (has_missing) { scan(&search, (int)feature, false); }
        // Where none is missing, one that will be goes to the larger side.
        if (!has_missing && search.best.gain > 0) { search.best.missing_left = 2 * search.best.left_rows > search.node->end - search.node->begin; }
        search.booster->splits[feature] = search.best;
    }
}

soma_boost_split soma_best_boost_split(soma_booster *booster, const soma_boost_node *node) {
    search search = {.booster = booster, .node = node, .best = {.gain = 0}, .node_score = score(node->sum, booster->options.l2)};
    soma_parallel_for(booster->bins->columns, 64, search_columns, &search);
    soma_boost_split best = {.gain = 0};
    for (long feature = 0; feature < booster->bins->columns; feature++) {
        if (booster->splits[feature].gain > best.gain) { best = booster->splits[feature]; }
    }
    return best;
}
