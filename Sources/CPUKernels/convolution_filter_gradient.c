#include "soma_filter_gradient.h"

#include "counts.h"
#include "scratch.h"
#include "soma_convolution.h"
#include "soma_team.h"
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/// The gradient of a filter sums over all pixels of all images, so how many threads there are must not decide how it is cut:
///
///                  slices of channels of y (with groups, of whole groups)
///                +-----------+-----------+
///     images     | part 0, 0 | part 0, 1 |   A part is a convolution by itself, run on one thread. Slices are different rows of
///     by turns   +-----------+-----------+   the filter; what the turns make of one slice is added up, in their order.
///                | part 1, 0 | part 1, 1 |
///                +-----------+-----------+

/// The most parts.
enum { most_parts = 16 };
/// Pixels of a turn and products of a part: below these a part is more overhead than work. Products for each element of a slice: these repay
/// its copy.
enum { least_pixels = 512, least_products = 1 << 19, least_taps = 128 };
/// Elements of the filters of all turns: as many stay in the caches until they are added up.
enum { most_elements = 1 << 20 };
/// Channels of y of a slice: a vector of any level.
enum { slice_unit = 16 };

struct soma_filter_gradient {
    libraries_convolution shape;
    long turns, images;        // images of a turn, but for the last
    long slices, channels;     // channels of y of a slice, but for the last
    /// oneDNN's kernels of a part that is in the last turn or not, in the last slice or not; null where the own kernel serves.
    libraries_onednn_convolution *kernels[2][2];
    bool uses_onednn;
};

static long filter_count(const libraries_convolution *c) {
    return c->output_channels * (c->input_channels / c->groups) * c->size[0] * c->size[1];
}

// MARK: - The cut

static void cut(soma_filter_gradient *f) {
    const libraries_convolution *c = &f->shape;
    long pixels = c->batch * c->output[0] * c->output[1], elements = larger(filter_count(c), 1), products = pixels * elements;
    long most = smaller(smaller(pixels / least_pixels, most_elements / elements), smaller(products / least_products, most_parts));
    long turns = 1;
    // Teams often have a power of two threads, so that all get as much.
    while (2 * turns <= smaller(most, c->batch)) { turns *= 2; }
    f->images = larger(ceiling(c->batch, turns), 1);
    f->turns = larger(ceiling(c->batch, f->images), 1);
    long unit = c->groups > 1 ? larger(c->output_channels / c->groups, 1) : slice_unit, units = larger(ceiling(c->output_channels, unit), 1);
    long taps = elements / larger(c->output_channels, 1);
    long slices = taps < least_taps ? 1 : larger(smaller(smaller(most_parts / f->turns, units), products / f->turns / least_products), 1);
    f->channels = larger(ceiling(units, slices) * unit, 1);
    f->slices = larger(ceiling(c->output_channels, f->channels), 1);
}

/// The convolution of a part.
static libraries_convolution part_shape(const soma_filter_gradient *f, long turn, long slice) {
    libraries_convolution part = f->shape;
    part.batch = smaller(f->images, f->shape.batch - turn * f->images);
    part.output_channels = smaller(f->channels, f->shape.output_channels - slice * f->channels);
    if (f->shape.groups > 1) {
        part.groups = part.output_channels / (f->shape.output_channels / f->shape.groups);
        part.input_channels = part.groups * (f->shape.input_channels / f->shape.groups);
    }
    return part;
}

/// Prepares oneDNN's kernels; false where it has none for some part.
static bool prepare(soma_filter_gradient *f) {
    for (int last_turn = 0; last_turn < 2; last_turn++) {
        for (int last_slice = 0; last_slice < 2; last_slice++) {
            if ((!last_turn && f->turns == 1) || (!last_slice && f->slices == 1)) { continue; }
            libraries_convolution part = part_shape(f, last_turn ? f->turns - 1 : 0, last_slice ? f->slices - 1 : 0);
            f->kernels[last_turn][last_slice] = libraries_onednn_convolution_create_serial(&part);
            if (f->kernels[last_turn][last_slice] == NULL) { return false; }
        }
    }
    return true;
}

static void forget_kernels(soma_filter_gradient *f) {
    for (int i = 0; i < 4; i++) {
        libraries_onednn_convolution **kernel = &f->kernels[i / 2][i % 2];
        if (*kernel != NULL) { libraries_onednn_convolution_destroy(*kernel); }
        *kernel = NULL;
    }
}

soma_filter_gradient *soma_filter_gradient_create(const libraries_convolution *convolution, bool wants_onednn) {
    soma_filter_gradient *f = calloc(1, sizeof *f);
    if (f == NULL) { return NULL; }
    f->shape = *convolution;
    cut(f);
    // oneDNN leaves the gradient as it was where there is nothing to add up.
    bool is_empty = convolution->batch * convolution->output[0] * convolution->output[1] * filter_count(convolution) == 0;
    f->uses_onednn = wants_onednn && !is_empty && prepare(f);
    if (!f->uses_onednn) { forget_kernels(f); }
    return f;
}

bool soma_filter_gradient_uses_onednn(const soma_filter_gradient *f) { return f->uses_onednn; }
long soma_filter_gradient_parts(const soma_filter_gradient *f) { return f->turns * f->slices; }

void soma_filter_gradient_destroy(soma_filter_gradient *f) {
    forget_kernels(f);
    free(f);
}

// MARK: - Running

typedef struct filter_run {
    const soma_filter_gradient *gradient;
    const float *x, *g;
    float *result, *partial;   // the whole gradient, and that of each turn; the same where there is one turn
    atomic_bool failed;
} filter_run;

static _Thread_local soma_scratch turn_scratch, x_scratch, g_scratch;

/// Channels [first, first + count) of `rows` pixels that have `all`, where they lie or as a copy; null where there is no memory for one.
static const float *channels_of(const float *image, long rows, long all, long first, long count, soma_scratch *scratch) {
    if (count == all) { return image; }
    float *copy = soma_scratch_reserve(scratch, rows * count);
    for (long row = 0; row < rows && copy != NULL; row++) {
        memcpy(copy + row * count, image + row * all + first, (size_t)count * sizeof(float));
    }
    return copy;
}

static bool run_part(const filter_run *run, long turn, long slice) {
    const soma_filter_gradient *f = run->gradient;
    const libraries_convolution *c = &f->shape, part = part_shape(f, turn, slice);
    long x_pixels = c->input[0] * c->input[1], g_pixels = c->output[0] * c->output[1], image = turn * f->images, channel = slice * f->channels;
    long x_channel = c->groups == 1 ? 0 : channel / (c->output_channels / c->groups) * (c->input_channels / c->groups);
    const float *x = channels_of(run->x + image * x_pixels * c->input_channels, part.batch * x_pixels, c->input_channels, x_channel,
                                 part.input_channels, &x_scratch);
    const float *g = channels_of(run->g + image * g_pixels * c->output_channels, part.batch * g_pixels, c->output_channels, channel,
                                 part.output_channels, &g_scratch);
    if (x == NULL || g == NULL) { return false; }
    long elements = filter_count(c);
    float *to = run->partial + turn * elements + channel * (elements / c->output_channels);
    const libraries_onednn_convolution *kernel = f->kernels[turn == f->turns - 1][slice == f->slices - 1];
    // Where oneDNN fails now, as for want of memory, another kernel would give other bits than the run before.
    return kernel != NULL ? libraries_onednn_convolution_run(kernel, x, g, to) : soma_convolution_run(&part, x, g, to);
}

static void run_parts(long begin, long end, int part, void *context) {
    (void)part;
    filter_run *run = context;
    for (long item = begin; item < end; item++) {
        if (!run_part(run, item / run->gradient->slices, item % run->gradient->slices)) { atomic_store(&run->failed, true); }
    }
}

/// Adds up the turns, the first to the last.
static void add_turns(long begin, long end, int part, void *context) {
    (void)part;
    const filter_run *run = context;
    long elements = filter_count(&run->gradient->shape);
    memcpy(run->result + begin, run->partial + begin, (size_t)(end - begin) * sizeof(float));
    for (long turn = 1; turn < run->gradient->turns; turn++) {
        const float *from = run->partial + turn * elements;
        for (long i = begin; i < end; i++) { run->result[i] += from[i]; }
    }
}

bool soma_filter_gradient_run(const soma_filter_gradient *f, const float *x, const float *g, float *result) {
    filter_run run = {.gradient = f, .x = x, .g = g, .result = result, .partial = result};
    long elements = filter_count(&f->shape);
    if (elements == 0) { return true; }
    if (f->turns > 1) { run.partial = soma_scratch_reserve(&turn_scratch, f->turns * elements); }
    if (run.partial == NULL) { return false; }
    soma_parallel_for(f->turns * f->slices, 1, run_parts, &run);
    if (atomic_load(&run.failed)) { return false; }
    if (f->turns > 1) { soma_parallel_for(elements, 1 + 32768 / f->turns, add_turns, &run); }
    return true;
}
