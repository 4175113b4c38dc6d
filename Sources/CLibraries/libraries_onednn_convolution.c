#include "libraries_onednn_convolution.h"

#include "libraries_onednn_versions.h"
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Numbers of oneDNN's, the same in versions 2 and 3.
enum { engine_cpu = 1, stream_in_order = 1, scratchpad_user = 1 };
enum { query_kernel = 8, query_scratchpad = 136 };
enum { argument_from = 1, argument_to = 17, argument_scratchpad = 80 };

/// The most bytes that a kernel may want besides its operands. One that wants more, as for a huge image, is left to kernels that work in blocks.
enum { most_scratch = 1 << 29 };
/// Pixels of a line of the result. oneDNN prepares a kernel for each few of them, some 700 bytes and 4 µs a pixel: a line of 10⁸ would take all
/// memory before anything is computed, and the process ends where there is none.
enum { longest_line = 1 << 18 };

/// The image of x, the filter, the image of y: what each is called in a pass.
enum { image_x, filter_w, image_y };
static const int queries[3][3] = {{129, 131, 133}, {130, 131, 134}, {129, 132, 134}};
static const int arguments[3][3] = {{1, 33, 17}, {129, 33, 145}, {1, 161, 145}};
/// In each pass, the place among these of the first operand, the second, and the result.
static const int places[3][3] = {{image_x, filter_w, image_y}, {image_y, filter_w, image_x}, {image_x, image_y, filter_w}};

struct libraries_onednn_convolution {
    int pass;
    char kernel[64];
    dnnl_primitive primitive;
    dnnl_memory memory[3], scratchpad;
    /// Brings the filter from its plain layout to the kernel's, or back; null where they are the same.
    dnnl_primitive reorder;
    dnnl_memory plain_filter;
    size_t filter_bytes, scratchpad_bytes;
};

static dnnl_engine engine;
static dnnl_stream stream;

/// What a kernel needs while it runs: the same memory for all of a thread, since one runs at a time.
static char *shared_scratch(size_t bytes) {
    static _Thread_local char *memory;
    static _Thread_local size_t size;
    if (size < bytes) {
        free(memory);
        size_t rounded = (bytes + 4095) / 4096 * 4096;
        memory = aligned_alloc(4096, rounded);
        size = memory == NULL ? 0 : rounded;
    }
    return memory;
}

// MARK: - Preparing

typedef struct descriptions { dnnl_description x, w, y, plain; } descriptions;

static descriptions describe(const libraries_onednn *dnnl, const libraries_convolution *c) {
    int64_t groups = c->groups, in = c->input_channels, out = c->output_channels, area = c->size[0] * c->size[1];
    int64_t x[] = {c->batch, in, c->input[0], c->input[1]}, x_strides[] = {c->input[0] * c->input[1] * in, 1, c->input[1] * in, in};
    int64_t y[] = {c->batch, out, c->output[0], c->output[1]}, y_strides[] = {c->output[0] * c->output[1] * out, 1, c->output[1] * out, out};
    int64_t w[] = {groups, out / groups, in / groups, c->size[0], c->size[1]};
    int64_t w_strides[] = {out / groups * (in / groups) * area, in / groups * area, area, c->size[1], 1};
    // Without groups, their axis is left out.
    int skipped = groups == 1 ? 1 : 0;
    return (descriptions){
        .x = dnnl_describe(dnnl, 4, x, x_strides), .y = dnnl_describe(dnnl, 4, y, y_strides),
        .w = dnnl_describe(dnnl, 5 - skipped, w + skipped, NULL), .plain = dnnl_describe(dnnl, 5 - skipped, w + skipped, w_strides + skipped),
    };
}

static void forget(const libraries_onednn *dnnl, descriptions *d) {
    dnnl_description_free(dnnl, d->x);
    dnnl_description_free(dnnl, d->w);
    dnnl_description_free(dnnl, d->y);
    dnnl_description_free(dnnl, d->plain);
}

/// The kernel for a pass. The gradients' want to be told of the forward one.
static dnnl_primitive_description choose(
    const libraries_onednn *dnnl, const libraries_convolution *c, const descriptions *d, int pass, dnnl_primitive_description forward) {
    dnnl_geometry geometry;
    for (int axis = 0; axis < 2; axis++) {
        int64_t reach = (c->size[axis] - 1) * c->dilation[axis] + 1;
        geometry.stride[axis] = c->stride[axis];
        geometry.dilation[axis] = c->dilation[axis] - 1;
        geometry.before[axis] = c->before[axis];
        geometry.after[axis] = (c->output[axis] - 1) * c->stride[axis] + reach - c->input[axis] - c->before[axis];
    }
    dnnl_attributes attributes = NULL;
    if (dnnl->attributes_create(&attributes) != 0) { return NULL; }
    dnnl->attributes_set_scratchpad(attributes, scratchpad_user);
    dnnl_primitive_description result = dnnl_describe_convolution(dnnl, engine, pass, d->x, d->w, d->y, &geometry, forward, attributes);
    dnnl->attributes_destroy(attributes);
    return result;
}

static bool make_reorder(const libraries_onednn *dnnl, libraries_onednn_convolution *c, dnnl_description plain, dnnl_description own) {
    if (dnnl->descriptions_equal(plain, own)) { return true; }
    bool back = c->pass == 2;
    dnnl_primitive_description description = NULL;
    if (dnnl->reorder_description(&description, back ? own : plain, engine, back ? plain : own, engine, NULL) != 0) { return false; }
    c->filter_bytes = dnnl->description_size(own);
    bool made = dnnl->primitive_create(&c->reorder, description) == 0 && dnnl->memory_create(&c->plain_filter, plain, engine, NULL) == 0;
    dnnl->primitive_description_destroy(description);
    return made;
}

static bool make(const libraries_onednn *dnnl, libraries_onednn_convolution *c, dnnl_primitive_description chosen, dnnl_description plain) {
    const char *kernel = "";
    dnnl->query(chosen, query_kernel, 0, &kernel);
    snprintf(c->kernel, sizeof c->kernel, "%s", kernel);
    if (strncmp(kernel, "ref", 3) == 0) { return false; }
    for (int operand = 0; operand < 3; operand++) {
        dnnl_description description = dnnl->query_description(chosen, queries[c->pass][operand], 0);
        if (dnnl->memory_create(&c->memory[operand], description, engine, NULL) != 0) { return false; }
    }
    dnnl_description scratchpad = dnnl->query_description(chosen, query_scratchpad, 0);
    c->scratchpad_bytes = dnnl->description_size(scratchpad);
    if (c->scratchpad_bytes > most_scratch) { return false; }
    return dnnl->memory_create(&c->scratchpad, scratchpad, engine, NULL) == 0
        && make_reorder(dnnl, c, plain, dnnl->query_description(chosen, queries[c->pass][filter_w], 0))
        && dnnl->primitive_create(&c->primitive, chosen) == 0;
}

static void start(void) {
    const libraries_onednn *dnnl = libraries_onednn_table();
    if (!dnnl->search.found || dnnl->engine_create(&engine, engine_cpu, 0) != 0) { return; }
    if (dnnl->stream_create(&stream, engine, stream_in_order) != 0) { stream = NULL; }
}

libraries_onednn_convolution *libraries_onednn_convolution_create(const libraries_convolution *convolution) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const libraries_onednn *dnnl = libraries_onednn_table();
    pthread_once(&once, start);
    if (stream == NULL || convolution->input[1] > longest_line || convolution->output[1] > longest_line) { return NULL; }
    libraries_onednn_convolution *result = calloc(1, sizeof *result);
    if (result == NULL) { return NULL; }
    result->pass = convolution->pass;
    descriptions d = describe(dnnl, convolution);
    dnnl_primitive_description forward = NULL, chosen = NULL;
    bool made = false;
    if (d.x != NULL && d.w != NULL && d.y != NULL && d.plain != NULL) {
        forward = choose(dnnl, convolution, &d, 0, NULL);
        chosen = convolution->pass == 0 || forward == NULL ? forward : choose(dnnl, convolution, &d, convolution->pass, forward);
        made = chosen != NULL && make(dnnl, result, chosen, d.plain);
    }
    if (chosen != NULL && chosen != forward) { dnnl->primitive_description_destroy(chosen); }
    if (forward != NULL) { dnnl->primitive_description_destroy(forward); }
    forget(dnnl, &d);
    if (made) { return result; }
    libraries_onednn_convolution_destroy(result);
    return NULL;
}

void libraries_onednn_convolution_destroy(libraries_onednn_convolution *c) {
    const libraries_onednn *dnnl = libraries_onednn_table();
    dnnl_memory memories[] = {c->memory[0], c->memory[1], c->memory[2], c->scratchpad, c->plain_filter};
    for (int i = 0; i < 5; i++) {
        if (memories[i] != NULL) { dnnl->memory_destroy(memories[i]); }
    }
    if (c->reorder != NULL) { dnnl->primitive_destroy(c->reorder); }
    if (c->primitive != NULL) { dnnl->primitive_destroy(c->primitive); }
    free(c);
}

const char *libraries_onednn_convolution_kernel(const libraries_onednn_convolution *convolution) { return convolution->kernel; }

// MARK: - Running

static bool run_reorder(const libraries_onednn *dnnl, libraries_onednn_convolution *c, void *plain) {
    if (dnnl->memory_set(c->plain_filter, plain) != 0) { return false; }
    dnnl_memory own = c->memory[filter_w];
    bool back = c->pass == 2;
    const dnnl_argument both[] = {{argument_from, back ? own : c->plain_filter}, {argument_to, back ? c->plain_filter : own}};
    return dnnl->primitive_execute(c->reorder, stream, 2, both) == 0;
}

bool libraries_onednn_convolution_run(libraries_onednn_convolution *c, const float *first, const float *second, float *result) {
    const libraries_onednn *dnnl = libraries_onednn_table();
    size_t filter_bytes = (c->filter_bytes + 63) / 64 * 64;
    char *scratch = shared_scratch(filter_bytes + c->scratchpad_bytes + 64);
    if (scratch == NULL) { return false; }
    float *handed[] = {(float *)first, (float *)second, result};
    float *plain_filter = NULL;
    for (int operand = 0; operand < 3; operand++) {
        int place = places[c->pass][operand];
        if (place == filter_w) { plain_filter = handed[operand]; }
        void *data = place == filter_w && c->reorder != NULL ? (void *)scratch : (void *)handed[operand];
        if (dnnl->memory_set(c->memory[place], data) != 0) { return false; }
    }
    if (dnnl->memory_set(c->scratchpad, scratch + filter_bytes) != 0) { return false; }
    if (c->reorder != NULL && c->pass != 2 && !run_reorder(dnnl, c, plain_filter)) { return false; }
    const int *numbers = arguments[c->pass];
    const dnnl_argument all[] = {
        {numbers[0], c->memory[0]}, {numbers[1], c->memory[1]}, {numbers[2], c->memory[2]}, {argument_scratchpad, c->scratchpad}};
    if (dnnl->primitive_execute(c->primitive, stream, 4, all) != 0) { return false; }
    if (c->reorder != NULL && c->pass == 2 && !run_reorder(dnnl, c, plain_filter)) { return false; }
    return dnnl->stream_wait(stream) == 0;
}
