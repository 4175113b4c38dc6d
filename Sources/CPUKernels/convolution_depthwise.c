#include "soma_convolution.h"

#include "levels.h"
#include "soma_team.h"
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/// One run over planes: the images' channels, [N, C, rows, columns].
typedef struct depthwise_run {
    const libraries_convolution *shape;
    const soma_depthwise_kernels *kernels;
    const float *source, *other;
    float *result;
    /// What is read with a margin around it: rows and columns, and the elements before the first. What the windows make of it.
    long rows, columns, before[2], output_rows, output_columns;
    long padded_rows, padded_columns;
    atomic_bool failed;
} depthwise_run;

/// Room behind a row, so that its last vector may read on: the lanes of the widest.
enum { slack = 16 };

/// Copies a plane into the middle of zeros.
static void pad_plane(const depthwise_run *run, const float *plane, float *padded) {
    for (long row = 0; row < run->rows; row++) {
        long target = row + run->before[0];
        if (target < 0 || target >= run->padded_rows) { continue; }
        // With a negative margin the plane's edge is left out.
        long skipped = run->before[1] < 0 ? -run->before[1] : 0, start = run->before[1] < 0 ? 0 : run->before[1];
        long count = run->columns - skipped < run->padded_columns - slack - start ? run->columns - skipped : run->padded_columns - slack - start;
        if (count > 0) { memcpy(padded + target * run->padded_columns + start, plane + row * run->columns + skipped, (size_t)count * sizeof(float)); }
    }
}

static depthwise_plane plane_of(const depthwise_run *run, const float *padded) {
    const libraries_convolution *c = run->shape;
    return (depthwise_plane){
        .x = padded, .line = run->padded_columns, .output_rows = run->output_rows, .output_columns = run->output_columns,
        .rows = c->size[0], .columns = c->size[1], .row_dilation = c->dilation[0], .column_dilation = c->dilation[1],
    };
}

static float *open_planes(depthwise_run *run) {
    float *padded = calloc((size_t)(run->padded_rows * run->padded_columns), sizeof(float));
    if (padded == NULL) { atomic_store(&run->failed, true); }
    return padded;
}

static void run_planes(long begin, long end, int part, void *context) {
    (void)part;
    depthwise_run *run = context;
    const libraries_convolution *c = run->shape;
    long area = c->size[0] * c->size[1];
    float *padded = open_planes(run);
    if (padded == NULL) { return; }
    depthwise_plane window = plane_of(run, padded);
    float filter[area];
    for (long plane = begin; plane < end; plane++) {
        pad_plane(run, run->source + plane * run->rows * run->columns, padded);
        const float *w = run->other + plane % c->input_channels * area;
        // What an element gets of the gradient is a sum over the filter walked backwards.
        for (long i = 0; i < area; i++) { filter[i] = w[c->pass == 1 ? area - 1 - i : i]; }
        float *y = run->result + plane * run->output_rows * run->output_columns;
        run->kernels->filter(&window, filter, y);
    }
    free(padded);
}

static void run_channels(long begin, long end, int part, void *context) {
    (void)part;
    depthwise_run *run = context;
    const libraries_convolution *c = run->shape;
    long area = c->size[0] * c->size[1];
    float *padded = open_planes(run);
    if (padded == NULL) { return; }
    depthwise_plane window = plane_of(run, padded);
    float sums[area];
    for (long channel = begin; channel < end; channel++) {
        float *w = run->result + channel * area;
        memset(w, 0, (size_t)area * sizeof(float));
        for (long image = 0; image < c->batch; image++) {
            long plane = image * c->input_channels + channel;
            pad_plane(run, run->source + plane * run->rows * run->columns, padded);
            const float *g = run->other + plane * run->output_rows * run->output_columns;
            run->kernels->products(&window, g, sums);
            for (long i = 0; i < area; i++) { w[i] += sums[i]; }
        }
    }
    free(padded);
}

bool soma_convolution_run_depthwise(const libraries_convolution *c, const float *first, const float *second, float *result) {
    depthwise_run run = {.shape = c, .kernels = &soma_level_current()->depthwise, .source = first, .other = second, .result = result};
    for (int axis = 0; axis < 2; axis++) {
        long reach = (c->size[axis] - 1) * c->dilation[axis];
        run.before[axis] = c->pass == 1 ? reach - c->before[axis] : c->before[axis];
    }
    const int64_t *source = c->pass == 1 ? c->output : c->input, *target = c->pass == 1 ? c->input : c->output;
    run.rows = source[0], run.columns = source[1], run.output_rows = target[0], run.output_columns = target[1];
    run.padded_rows = run.output_rows + (c->size[0] - 1) * c->dilation[0];
    run.padded_columns = run.output_columns + (c->size[1] - 1) * c->dilation[1] + slack;
    long work = run.output_rows * run.output_columns * c->size[0] * c->size[1];
    if (c->pass == 2) {
        soma_parallel_for(c->input_channels, 1 + 65536 / (work * c->batch + 1), run_channels, &run);
    } else {
        soma_parallel_for(c->batch * c->input_channels, 1 + 65536 / (work + 1), run_planes, &run);
    }
    return !atomic_load(&run.failed);
}
