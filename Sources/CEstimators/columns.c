#include "soma_columns.h"

#include "midpoint.h"
#include "soma_team.h"
#include "sorting.h"
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

/// Columns that are read at once: 64 bytes of each row.
enum { block_columns = 16, slots = 1024 };

typedef struct coding {
    const float *x;
    soma_columns *result;
    soma_bins *bins;
    int most;
    atomic_bool failed;
} coding;

/// The distinct numbers of a column where they are at most 256, by a table of their bits.
typedef struct distinct_table {
    uint32_t keys[slots];
    int16_t codes[slots];      ///< -1: free
    int count;
} distinct_table;

static int find_slot(const distinct_table *table, uint32_t bits) {
    uint32_t slot = bits * 2654435769u >> 22;
    while (table->codes[slot] >= 0 && table->keys[slot] != bits) { slot = (slot + 1) % slots; }
    return (int)slot;
}

static int compare_bits(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static float from_ordered(uint32_t ordered) {
    uint32_t bits = ordered & 0x80000000u ? ordered & 0x7FFFFFFFu : ~ordered;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/// Codes a column in bytes; false where it has more than 256 distinct numbers or memory is short (`failed`).
static bool code_in_bytes(coding *coding, const float *column, long index) {
    soma_columns *result = coding->result;
    distinct_table table = {.count = 0};
    memset(table.codes, -1, sizeof table.codes);
    uint32_t distinct[256];
    for (long row = 0; row < result->rows; row++) {
        uint32_t bits = soma_ordered_bits(column[row]);
        int slot = find_slot(&table, bits);
        if (table.codes[slot] >= 0) { continue; }
        if (table.count == 256) { return false; }
        table.keys[slot] = bits, table.codes[slot] = 0;
        distinct[table.count++] = bits;
    }
    qsort(distinct, (size_t)table.count, sizeof *distinct, compare_bits);
    float *values = malloc((size_t)table.count * sizeof *values);
    uint8_t *codes = malloc((size_t)result->rows);
    result->values[index] = values, result->bytes[index] = codes, result->distinct[index] = table.count;
    if (values == NULL || codes == NULL) {
        coding->failed = true;
        return false;
    }
    for (int code = 0; code < table.count; code++) {
        values[code] = from_ordered(distinct[code]);
        table.codes[find_slot(&table, distinct[code])] = (int16_t)code;
    }
    for (long row = 0; row < result->rows; row++) { codes[row] = (uint8_t)table.codes[find_slot(&table, soma_ordered_bits(column[row]))]; }
    return true;
}

static void code_in_ranks(coding *coding, const float *column, uint64_t *keys, long index) {
    soma_columns *result = coding->result;
    for (long row = 0; row < result->rows; row++) { keys[row] = (uint64_t)soma_ordered_bits(column[row]) << 32 | (uint64_t)row; }
    soma_sort_keys(keys, keys + result->rows, result->rows, UINT32_MAX);
    long count = 1;
    for (long i = 1; i < result->rows; i++) { count += keys[i] >> 32 != keys[i - 1] >> 32; }
    float *values = malloc((size_t)count * sizeof *values);
    uint32_t *codes = malloc((size_t)result->rows * sizeof *codes);
    result->values[index] = values, result->ranks[index] = codes, result->distinct[index] = count;
    if (values == NULL || codes == NULL) {
        coding->failed = true;
        return;
    }
    uint32_t code = 0;
    for (long i = 0; i < result->rows; i++) {
        if (i > 0 && keys[i] >> 32 != keys[i - 1] >> 32) { code++; }
        values[code] = from_ordered((uint32_t)(keys[i] >> 32));
        codes[(uint32_t)keys[i]] = code;
    }
}

/// The quantiles that part a sorted column into `most` bins of about as many rows each: the mean of two neighbours where a share is a whole number
/// of rows. R. J. Hyndman, Y. Fan, *Sample Quantiles in Statistical Packages*, The American Statistician 50(4), 1996, definition 2.
static int quantile_cuts(const uint64_t *keys, long count, int most, float *cuts) {
    int kept = 0;
    for (int part = 1; part < most; part++) {
        long at = count * part / most;
        float upper = from_ordered((uint32_t)(keys[at] >> 32));
        float cut = upper;
        if (count * part % most == 0) {
            float lower = from_ordered((uint32_t)(keys[at - 1] >> 32));
            cut = lower < upper ? soma_midpoint(lower, upper) : upper;
        }
        if (kept == 0 || cut > cuts[kept - 1]) { cuts[kept++] = cut; }
    }
    return kept;
}

static void cut_column(coding *coding, const float *column, uint64_t *keys, long index) {
    soma_bins *bins = coding->bins;
    uint8_t *codes = bins->codes + index * bins->rows;
    float *cuts = bins->thresholds + index * 255;
    long count = 0;
    for (long row = 0; row < bins->rows; row++) {
        codes[row] = SOMA_MISSING_BIN;
        if (!isnan(column[row])) { keys[count++] = (uint64_t)soma_ordered_bits(column[row]) << 32 | (uint64_t)row; }
    }
    bins->has_missing[index] = count < bins->rows;
    soma_sort_keys(keys, keys + bins->rows, count, UINT32_MAX);
    int distinct = count > 0;
    for (long i = 1; i < count && distinct <= coding->most; i++) { distinct += keys[i] >> 32 != keys[i - 1] >> 32; }
    int kept = 0;
    if (distinct > coding->most) {
        kept = quantile_cuts(keys, count, coding->most, cuts);
    } else {
        for (long i = 1; i < count; i++) {
            if (keys[i] >> 32 == keys[i - 1] >> 32) { continue; }
            cuts[kept++] = soma_midpoint(from_ordered((uint32_t)(keys[i - 1] >> 32)), from_ordered((uint32_t)(keys[i] >> 32)));
        }
    }
    bins->counts[index] = kept + 1;
    int bin = 0;
    for (long i = 0; i < count; i++) {
        float value = from_ordered((uint32_t)(keys[i] >> 32));
        while (bin < kept && value > cuts[bin]) { bin++; }
        codes[(uint32_t)keys[i]] = (uint8_t)bin;
    }
}

static void code_blocks(long begin, long end, int part, void *context) {
    (void)part;
    coding *coding = context;
    long rows = coding->result ? coding->result->rows : coding->bins->rows;
    long columns = coding->result ? coding->result->columns : coding->bins->columns;
    float *block = malloc((size_t)rows * block_columns * sizeof *block);
    uint64_t *keys = malloc((size_t)rows * 2 * sizeof *keys);
    if (block == NULL || keys == NULL) { coding->failed = true; }
    for (long first = begin * block_columns; first < columns && first < end * block_columns && !coding->failed; first += block_columns) {
        long width = columns - first < block_columns ? columns - first : block_columns;
        for (long row = 0; row < rows; row++) {
            for (long i = 0; i < width; i++) { block[i * rows + row] = coding->x[row * columns + first + i]; }
        }
        for (long i = 0; i < width && !coding->failed; i++) {
            if (coding->bins) {
                cut_column(coding, block + i * rows, keys, first + i);
            } else if (!code_in_bytes(coding, block + i * rows, first + i) && !coding->failed) {
                code_in_ranks(coding, block + i * rows, keys, first + i);
            }
        }
    }
    free(block), free(keys);
}

soma_columns *soma_columns_make(const float *x, long rows, long columns) {
    soma_columns *result = calloc(1, sizeof *result);
    if (result == NULL) { return NULL; }
    size_t count = (size_t)columns;
    *result = (soma_columns){.rows = rows, .columns = columns, .bytes = calloc(count, sizeof(void *)), .ranks = calloc(count, sizeof(void *)),
                             .values = calloc(count, sizeof(void *)), .distinct = calloc(count, sizeof(long))};
    coding coding = {.x = x, .result = result};
    if (result->bytes && result->ranks && result->values && result->distinct) {
        soma_parallel_for((columns + block_columns - 1) / block_columns, 1, code_blocks, &coding);
        if (!coding.failed) { return result; }
    }
    soma_columns_free(result);
    return NULL;
}

void soma_columns_free(soma_columns *columns) {
    if (columns == NULL) { return; }
    for (long i = 0; i < columns->columns; i++) {
        if (columns->bytes) { free(columns->bytes[i]); }
        if (columns->ranks) { free(columns->ranks[i]); }
        if (columns->values) { free(columns->values[i]); }
    }
    free(columns->bytes), free(columns->ranks), free(columns->values), free(columns->distinct), free(columns);
}

soma_bins *soma_bins_make(const float *x, long rows, long columns, int most) {
    soma_bins *bins = calloc(1, sizeof *bins);
    if (bins == NULL) { return NULL; }
    size_t count = (size_t)columns;
    *bins = (soma_bins){.rows = rows, .columns = columns, .codes = malloc(count * (size_t)rows), .thresholds = calloc(count * 255, sizeof(float)),
                        .counts = calloc(count, sizeof(int)), .has_missing = calloc(count, sizeof(bool))};
    coding coding = {.x = x, .bins = bins, .most = most};
    if (bins->codes && bins->thresholds && bins->counts && bins->has_missing) {
        soma_parallel_for((columns + block_columns - 1) / block_columns, 1, code_blocks, &coding);
        if (!coding.failed) { return bins; }
    }
    soma_bins_free(bins);
    return NULL;
}

void soma_bins_free(soma_bins *bins) {
    if (bins == NULL) { return; }
    free(bins->codes), free(bins->thresholds), free(bins->counts), free(bins->has_missing), free(bins);
}

bool soma_all_finite(const float *x, long count, bool allows_missing, long *at) {
    for (long start = 0; start < count; start += 4096) {
        long end = count - start < 4096 ? count : start + 4096;
        // 0 · x is NaN for what is not finite.
        float sum = 0;
        for (long i = start; i < end; i++) { sum += 0 * x[i]; }
        if (sum == 0) { continue; }
        for (long i = start; i < end; i++) {
            if (isfinite(x[i]) || (allows_missing && isnan(x[i]))) { continue; }
            *at = i;
            return false;
        }
    }
    return true;
}
