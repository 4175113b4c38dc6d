#include "tree_split.h"

#include "midpoint.h"
#include "sorting.h"

/// Nodes of so few rows sort them, and larger ones count them in bins; of many the bins tell the range of codes too.
enum { most_sorted = 40, most_ranged = 256 };

/// Rows that a search for a threshold has on its left.
typedef struct sweep {
    long left_rows;
    soma_split best;
} sweep;

static inline uint32_t code_of(const soma_columns *columns, long feature, long row) {
    const uint8_t *bytes = columns->bytes[feature];
    return bytes != NULL ? bytes[row] : columns->ranks[feature][row];
}

/// Σ over both sides of (Σ over classes of weight²) / weight, or (Σ weight · target)² / weight.
static double proxy(const soma_growth *growth) {
    const double *left = growth->left, *right = growth->right;
    if (growth->options->classes == 0) { return left[1] * left[1] / left[0] + right[1] * right[1] / right[0]; }
    double left_weight = 0, right_weight = 0, left_squares = 0, right_squares = 0;
    for (int k = 0; k < growth->outputs; k++) {
        left_weight += left[k], left_squares += left[k] * left[k];
        right_weight += right[k], right_squares += right[k] * right[k];
    }
    return left_squares / left_weight + right_squares / right_weight;
}

static void begin_sweep(soma_growth *growth) {
    for (int k = 0; k < growth->outputs; k++) { growth->left[k] = 0, growth->right[k] = growth->total[k]; }
}

static inline void move_left(soma_growth *growth, int k, double amount) { growth->left[k] += amount, growth->right[k] -= amount; }

/// Considers the threshold between the codes `low` and `high`, which are neighbours in the node.
static void consider(soma_growth *growth, sweep *sweep, long rows, int feature, uint32_t low, uint32_t high) {
    long least = growth->options->min_leaf;
    if (sweep->left_rows < least || rows - sweep->left_rows < least) { return; }
    double value = proxy(growth);
    if (!(value > sweep->best.proxy)) { return; }
    const float *values = growth->data->columns->values[feature];
    sweep->best = (soma_split){feature, low, soma_midpoint(values[low], values[high]), value};
}

static inline void move_row(soma_growth *growth, long i) {
    if (growth->options->classes > 0) {
        move_left(growth, growth->classes[i], growth->weights[i]);
    } else {
        move_left(growth, 0, growth->weights[i]);
        move_left(growth, 1, growth->weights[i] * growth->targets[i]);
    }
}

/// The best threshold of a column, by its sorted codes.
static void search_sorted(soma_growth *growth, sweep *sweep, const int *order, long rows, int feature, uint32_t greatest) {
    const soma_columns *columns = growth->data->columns;
    for (long i = 0; i < rows; i++) { growth->keys[i] = (uint64_t)code_of(columns, feature, order[i]) << 32 | (uint64_t)i; }
    soma_sort_keys(growth->keys, growth->spare_keys, rows, greatest);
    begin_sweep(growth);
    sweep->left_rows = 0;
    for (long i = 0; i + 1 < rows; i++) {
        move_row(growth, (uint32_t)growth->keys[i]);
        sweep->left_rows++;
        uint32_t low = (uint32_t)(growth->keys[i] >> 32), high = (uint32_t)(growth->keys[i + 1] >> 32);
        if (low != high) { consider(growth, sweep, rows, feature, low, high); }
    }
}

static void fill_bins(soma_growth *growth, const int *order, long rows, int feature) {
    const uint8_t *codes = growth->data->columns->bytes[feature];
    double *bins = growth->bins;
    int outputs = growth->outputs;
    if (growth->options->classes > 0) {
        for (long i = 0; i < rows; i++) {
            uint32_t code = codes[order[i]];
            growth->bin_rows[code]++;
            bins[code * (uint32_t)outputs + (uint32_t)growth->classes[i]] += growth->weights[i];
        }
        return;
    }
    for (long i = 0; i < rows; i++) {
        uint32_t code = codes[order[i]];
        growth->bin_rows[code]++;
        bins[2 * code] += growth->weights[i];
        bins[2 * code + 1] += growth->weights[i] * growth->targets[i];
    }
}

/// The best threshold of a column of bytes, by the sums of each code. Returns whether there are several codes.
static bool search_bins(soma_growth *growth, sweep *sweep, const int *order, long rows, int feature, uint32_t least, uint32_t greatest) {
    fill_bins(growth, order, rows, feature);
    begin_sweep(growth);
    sweep->left_rows = 0;
    uint32_t low = least;
    int codes = 0;
    for (uint32_t code = least; code <= greatest; code++) {
        if (growth->bin_rows[code] == 0) { continue; }
        if (codes++ > 0) { consider(growth, sweep, rows, feature, low, code); }
        double *bin = growth->bins + code * (uint32_t)growth->outputs;
        for (int k = 0; k < growth->outputs; k++) {
            move_left(growth, k, bin[k]);
            bin[k] = 0;
        }
        sweep->left_rows += growth->bin_rows[code];
        growth->bin_rows[code] = 0;
        low = code;
    }
    return codes > 1;
}

/// A threshold drawn between the least and the greatest number of the node.
static void draw_threshold(soma_growth *growth, sweep *sweep, const int *order, long rows, int feature, uint32_t least, uint32_t greatest) {
    const soma_columns *columns = growth->data->columns;
    const float *values = columns->values[feature];
    double low = values[least], high = values[greatest];
    float threshold = (float)(low + (high - low) * ((double)(soma_next_random(&growth->random) >> 11) * 0x1p-53));
    if (!(threshold < high)) { threshold = (float)low; }
    uint32_t code = least, above = greatest;
    while (above - code > 1) {
        uint32_t middle = code + (above - code) / 2;
        if (values[middle] <= threshold) { code = middle; } else { above = middle; }
    }
    begin_sweep(growth);
    sweep->left_rows = 0;
    for (long i = 0; i < rows; i++) {
        if (code_of(columns, feature, order[i]) > code) { continue; }
        move_row(growth, i);
        sweep->left_rows++;
    }
    double before = sweep->best.proxy;
    consider(growth, sweep, rows, feature, code, code + 1);
    if (sweep->best.proxy > before) { sweep->best.threshold = threshold; }
}

/// The least and the greatest code of the node.
static void code_range(const soma_growth *growth, const int *order, long rows, int feature, uint32_t *least, uint32_t *greatest) {
    const uint8_t *bytes = growth->data->columns->bytes[feature];
    const uint32_t *ranks = growth->data->columns->ranks[feature];
    uint32_t low = UINT32_MAX, high = 0;
    if (bytes != NULL) {
        for (long i = 0; i < rows; i++) {
            uint32_t code = bytes[order[i]];
            low = code < low ? code : low, high = code > high ? code : high;
        }
    } else {
        for (long i = 0; i < rows; i++) {
            uint32_t code = ranks[order[i]];
            low = code < low ? code : low, high = code > high ? code : high;
        }
    }
    *least = low, *greatest = high;
}

/// Whether the column tells rows of the node apart.
static bool try_feature(soma_growth *growth, sweep *sweep, const int *order, long rows, int feature) {
    const soma_columns *columns = growth->data->columns;
    if (columns->distinct[feature] < 2) { return false; }
    bool counts = columns->bytes[feature] != NULL && !growth->options->random_thresholds;
    if (counts && rows > most_ranged) { return search_bins(growth, sweep, order, rows, feature, 0, (uint32_t)columns->distinct[feature] - 1); }
    uint32_t least = 0, greatest = 0;
    code_range(growth, order, rows, feature, &least, &greatest);
    if (least == greatest) { return false; }
    if (growth->options->random_thresholds) {
        draw_threshold(growth, sweep, order, rows, feature, least, greatest);
    } else if (counts && rows > most_sorted) {
        search_bins(growth, sweep, order, rows, feature, least, greatest);
    } else {
        search_sorted(growth, sweep, order, rows, feature, greatest);
    }
    return true;
}

/// Moves a column that is drawn among the others to the index `at`.
static void draw_feature(soma_growth *growth, long at) {
    long other = at + soma_random_below(&growth->random, growth->data->columns->columns - at);
    int feature = growth->features[other];
    growth->features[other] = growth->features[at];
    growth->features[at] = feature;
}

/// Asks for the codes of a small node, which lie far apart in memory.
static void prefetch_codes(const soma_growth *growth, const int *order, long rows, int feature) {
    const uint8_t *bytes = growth->data->columns->bytes[feature];
    if (bytes == NULL || rows > most_ranged) { return; }
    for (long i = 0; i < rows; i++) { __builtin_prefetch(bytes + order[i]); }
}

soma_split soma_best_split(soma_growth *growth, long begin, long end) {
    long columns = growth->data->columns->columns, wanted = growth->options->max_features;
    const int *order = growth->order + begin;
    sweep sweep = {.best = {.feature = -1, .proxy = -INFINITY}};
    bool told_apart = false;
    if (wanted >= columns) {
        for (int feature = 0; feature < columns; feature++) { try_feature(growth, &sweep, order, end - begin, feature); }
        return sweep.best;
    }
    // Constant columns count among those tried, but one that is not constant must be among them where there is any.
    draw_feature(growth, 0);
    for (long tried = 0; tried < columns && (tried < wanted || !told_apart); tried++) {
        int feature = growth->features[tried];
        if (tried + 1 < columns) {
            draw_feature(growth, tried + 1);
            prefetch_codes(growth, order, end - begin, growth->features[tried + 1]);
        }
        told_apart |= try_feature(growth, &sweep, order, end - begin, feature);
    }
    return sweep.best;
}
