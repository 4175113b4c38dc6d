#include "libraries_onednn_convolution.h"

#include "libraries_onednn_versions.h"
#include "libraries_openmp.h"
#include "library_guard.h"
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
    dnnl_primitive_description description;    // owns those of the operands
    dnnl_primitive primitive;
    dnnl_description operands[3], scratchpad, plain_filter;
    /// Brings the filter from its plain layout to the kernel's, or back; null where they are the same.
    dnnl_primitive reorder;
    size_t filter_bytes, scratchpad_bytes;
};

static dnnl_engine engine;

/// Whether a call succeeded; 1 is its way to say that it has no memory.
static bool has_succeeded(int status) {
    if (status == 1) { library_note_lack(); }
    return status == 0;
}

/// Where a thread's kernels run; null where there is none.
static dnnl_stream own_stream(const libraries_onednn *dnnl) {
    static _Thread_local dnnl_stream stream;
    if (stream == NULL && !has_succeeded(dnnl->stream_create(&stream, engine, stream_in_order))) { stream = NULL; }
    return stream;
}

/// What a kernel needs while it runs: the same memory for all of a thread, since one runs at a time.
static char *shared_scratch(size_t bytes) {
    static _Thread_local char *memory;
    static _Thread_local size_t size;
    if (size < bytes) {
        free(memory);
        size_t rounded = (bytes + 4095) / 4096 * 4096;
        memory = aligned_alloc(4096, rounded);
        size = memory == NULL ? 0 : rounded;
        if (memory == NULL) { library_note_lack(); }
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
    if (!has_succeeded(dnnl->attributes_create(&attributes))) { return NULL; }
    dnnl->attributes_set_scratchpad(attributes, scratchpad_user);
    dnnl_primitive_description result = dnnl_describe_convolution(dnnl, engine, pass, d->x, d->w, d->y, &geometry, forward, attributes);
    dnnl->attributes_destroy(attributes);
    return result;
}

static bool make_reorder(const libraries_onednn *dnnl, libraries_onednn_convolution *c) {
    dnnl_description plain = c->plain_filter, own = c->operands[filter_w];
    if (dnnl->descriptions_equal(plain, own)) { return true; }
    bool back = c->pass == 2;
    dnnl_primitive_description description = NULL;
    if (!has_succeeded(dnnl->reorder_description(&description, back ? own : plain, engine, back ? plain : own, engine, NULL))) { return false; }
    c->filter_bytes = dnnl->description_size(own);
    bool made = has_succeeded(dnnl->primitive_create(&c->reorder, description));
    dnnl->primitive_description_destroy(description);
    return made;
}

/// Whether a kernel can be used: not the reference code, and on several threads none whose sums depend on how many there are. Those do that leave the
/// work to a matrix product, and for the gradient of the input those of version 3 called brg: they cut the channels as there are threads.
static bool is_usable(const char *kernel, int pass, bool serial) {
    if (strncmp(kernel, "ref", 3) == 0) { return false; }
    return serial || (strstr(kernel, "gemm") == NULL && (pass != 1 || strstr(kernel, "brg") == NULL));
}

static bool make(const libraries_onednn *dnnl, libraries_onednn_convolution *c, bool serial) {
    const char *kernel = "";
    dnnl->query(c->description, query_kernel, 0, &kernel);
    snprintf(c->kernel, sizeof c->kernel, "%s", kernel);
    if (!is_usable(kernel, c->pass, serial)) { return false; }
    for (int operand = 0; operand < 3; operand++) {
        c->operands[operand] = dnnl->query_description(c->description, queries[c->pass][operand], 0);
    }
    c->scratchpad = dnnl->query_description(c->description, query_scratchpad, 0);
    c->scratchpad_bytes = dnnl->description_size(c->scratchpad);
    return c->scratchpad_bytes <= most_scratch && make_reorder(dnnl, c) && has_succeeded(dnnl->primitive_create(&c->primitive, c->description));
}

static void start(void) {
    const libraries_onednn *dnnl = libraries_onednn_table();
    if (!dnnl->search.found || dnnl->engine_create(&engine, engine_cpu, 0) != 0) { engine = NULL; }
}

static libraries_onednn_convolution *create_unguarded(const libraries_convolution *convolution, bool serial) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const libraries_onednn *dnnl = libraries_onednn_table();
    pthread_once(&once, start);
    if (engine == NULL || convolution->input[1] > longest_line || convolution->output[1] > longest_line) { return NULL; }
    libraries_onednn_convolution *result = calloc(1, sizeof *result);
    if (result == NULL) { return NULL; }
    result->pass = convolution->pass;
    descriptions d = describe(dnnl, convolution);
    dnnl_primitive_description forward = NULL;
    bool made = false;
    if (d.x != NULL && d.w != NULL && d.y != NULL && d.plain != NULL) {
        forward = choose(dnnl, convolution, &d, 0, NULL);
        result->description = convolution->pass == 0 || forward == NULL ? forward : choose(dnnl, convolution, &d, convolution->pass, forward);
        result->plain_filter = d.plain;
        d.plain = NULL;
        made = result->description != NULL && make(dnnl, result, serial);
    }
    if (forward != NULL && forward != result->description) { dnnl->primitive_description_destroy(forward); }
    forget(dnnl, &d);
    if (made) { return result; }
    libraries_onednn_convolution_destroy(result);
    return NULL;
}

typedef struct creation {
    const libraries_convolution *convolution;
    bool serial;
    libraries_onednn_convolution *result;
} creation;

static void run_creation(void *context) {
    creation *c = context;
    c->result = create_unguarded(c->convolution, c->serial);
}

static libraries_onednn_convolution *create(const libraries_convolution *convolution, bool serial) {
    creation creation = {.convolution = convolution, .serial = serial};
    return library_guarded(run_creation, &creation) ? creation.result : NULL;
}

libraries_onednn_convolution *libraries_onednn_convolution_create(const libraries_convolution *convolution) {
    return convolution->pass == 2 ? NULL : create(convolution, false);
}

libraries_onednn_convolution *libraries_onednn_convolution_create_serial(const libraries_convolution *convolution) {
    const libraries_openmp *openmp = libraries_openmp_table();
    if (!openmp->search.found) { return NULL; }
    // oneDNN prepares a kernel for as many threads as the calling one would get.
    int threads = openmp->most_threads();
    openmp->set_most_threads(1);
    libraries_onednn_convolution *result = create(convolution, true);
    openmp->set_most_threads(threads);
    return result;
}

void libraries_onednn_convolution_destroy(libraries_onednn_convolution *c) {
    const libraries_onednn *dnnl = libraries_onednn_table();
    if (c->reorder != NULL) { dnnl->primitive_destroy(c->reorder); }
    if (c->primitive != NULL) { dnnl->primitive_destroy(c->primitive); }
    if (c->description != NULL) { dnnl->primitive_description_destroy(c->description); }
    dnnl_description_free(dnnl, c->plain_filter);
    free(c);
}

const char *libraries_onednn_convolution_kernel(const libraries_onednn_convolution *convolution) { return convolution->kernel; }

// MARK: - Running

/// The memories of one run: the image of x, the filter, the image of y, the scratchpad, the plain filter.
enum { memory_scratchpad = 3, memory_plain = 4, memory_count = 5 };

static bool open_memories(const libraries_onednn *dnnl, const libraries_onednn_convolution *c, float *const *data, char *scratch, dnnl_memory *memories) {
    dnnl_description descriptions[] = {c->operands[0], c->operands[1], c->operands[2], c->scratchpad, c->plain_filter};
    void *all[] = {data[0], c->reorder == NULL ? (void *)data[filter_w] : scratch, data[2], scratch + (c->filter_bytes + 63) / 64 * 64, data[filter_w]};
    for (int i = 0; i < memory_count; i++) {
        if (!has_succeeded(dnnl->memory_create(&memories[i], descriptions[i], engine, all[i]))) { return false; }
    }
    return true;
}

static bool run_reorder(const libraries_onednn *dnnl, const libraries_onednn_convolution *c, dnnl_stream stream, const dnnl_memory *memories) {
    bool back = c->pass == 2;
    dnnl_memory own = memories[filter_w], plain = memories[memory_plain];
    const dnnl_argument both[] = {{argument_from, back ? own : plain}, {argument_to, back ? plain : own}};
    return has_succeeded(dnnl->primitive_execute(c->reorder, stream, 2, both));
}

static bool execute(const libraries_onednn *dnnl, const libraries_onednn_convolution *c, dnnl_stream stream, const dnnl_memory *memories) {
    if (c->reorder != NULL && c->pass != 2 && !run_reorder(dnnl, c, stream, memories)) { return false; }
    const int *numbers = arguments[c->pass];
    const dnnl_argument all[] = {
        {numbers[0], memories[0]}, {numbers[1], memories[1]}, {numbers[2], memories[2]}, {argument_scratchpad, memories[memory_scratchpad]}};
    if (!has_succeeded(dnnl->primitive_execute(c->primitive, stream, 4, all))) { return false; }
    if (c->reorder != NULL && c->pass == 2 && !run_reorder(dnnl, c, stream, memories)) { return false; }
    return has_succeeded(dnnl->stream_wait(stream));
}

static bool run_unguarded(const libraries_onednn_convolution *c, const float *first, const float *second, float *result) {
    const libraries_onednn *dnnl = libraries_onednn_table();
    dnnl_stream stream = own_stream(dnnl);
    char *scratch = shared_scratch((c->filter_bytes + 63) / 64 * 64 + c->scratchpad_bytes + 64);
    if (stream == NULL || scratch == NULL) { return false; }
    float *data[3];
    data[places[c->pass][0]] = (float *)first, data[places[c->pass][1]] = (float *)second, data[places[c->pass][2]] = result;
    dnnl_memory memories[memory_count] = {0};
    bool done = open_memories(dnnl, c, data, scratch, memories) && execute(dnnl, c, stream, memories);
    for (int i = 0; i < memory_count; i++) {
        if (memories[i] != NULL) { dnnl->memory_destroy(memories[i]); }
    }
    return done;
}

typedef struct execution {
    const libraries_onednn_convolution *convolution;
    const float *first, *second;
    float *result;
    bool done;
} execution;

static void run_execution(void *context) {
    execution *e = context;
    e->done = run_unguarded(e->convolution, e->first, e->second, e->result);
}

bool libraries_onednn_convolution_run(const libraries_onednn_convolution *c, const float *first, const float *second, float *result) {
    execution execution = {.convolution = c, .first = first, .second = second, .result = result};
    return library_guarded(run_execution, &execution) && execution.done;
}
