#include "libraries_onednn.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

/// The head of oneDNN's `dnnl_version_t`.
typedef struct version_head { int major, minor, patch; } version_head;

static libraries_onednn table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(void) {
    const version_head *(*version)(void) = NULL;
    const char *const files[] = {"libdnnl.so.3", "libdnnl.so.2", NULL};
    const library_symbol symbols[] = {
        {"dnnl_sgemm", (void **)&table.sgemm, false},
        {"dnnl_version", (void **)&version, false},
        {"dnnl_get_effective_cpu_isa", (void **)&table.instructions, true},
        {"dnnl_engine_create", (void **)&table.engine_create, false},
        {"dnnl_stream_create", (void **)&table.stream_create, false},
        {"dnnl_stream_wait", (void **)&table.stream_wait, false},
        {"dnnl_memory_desc_get_size", (void **)&table.description_size, false},
        {"dnnl_memory_desc_equal", (void **)&table.descriptions_equal, false},
        {"dnnl_primitive_desc_query_md", (void **)&table.query_description, false},
        {"dnnl_primitive_desc_query", (void **)&table.query, false},
        {"dnnl_primitive_desc_destroy", (void **)&table.primitive_description_destroy, false},
        {"dnnl_primitive_create", (void **)&table.primitive_create, false},
        {"dnnl_primitive_execute", (void **)&table.primitive_execute, false},
        {"dnnl_primitive_destroy", (void **)&table.primitive_destroy, false},
        {"dnnl_reorder_primitive_desc_create", (void **)&table.reorder_description, false},
        {"dnnl_memory_create", (void **)&table.memory_create, false},
        {"dnnl_memory_destroy", (void **)&table.memory_destroy, false},
        {"dnnl_primitive_attr_create", (void **)&table.attributes_create, false},
        {"dnnl_primitive_attr_set_scratchpad_mode", (void **)&table.attributes_set_scratchpad, false},
        {"dnnl_primitive_attr_destroy", (void **)&table.attributes_destroy, false},
        {"dnnl_memory_desc_init_by_strides", (void **)&table.v2_strided, true},
        {"dnnl_memory_desc_init_by_tag", (void **)&table.v2_tagged, true},
        {"dnnl_dilated_convolution_forward_desc_init", (void **)&table.v2_forward, true},
        {"dnnl_dilated_convolution_backward_data_desc_init", (void **)&table.v2_input_gradient, true},
        {"dnnl_dilated_convolution_backward_weights_desc_init", (void **)&table.v2_filter_gradient, true},
        {"dnnl_primitive_desc_create", (void **)&table.v2_primitive_description, true},
        {"dnnl_memory_desc_create_with_strides", (void **)&table.v3_strided, true},
        {"dnnl_memory_desc_create_with_tag", (void **)&table.v3_tagged, true},
        {"dnnl_memory_desc_destroy", (void **)&table.v3_description_destroy, true},
        {"dnnl_convolution_forward_primitive_desc_create", (void **)&table.v3_forward, true},
        {"dnnl_convolution_backward_data_primitive_desc_create", (void **)&table.v3_input_gradient, true},
        {"dnnl_convolution_backward_weights_primitive_desc_create", (void **)&table.v3_filter_gradient, true},
        {NULL, NULL, false},
    };
    if (!library_has_room(&table.search, "oneDNN", files[0])) { return; }
    if (!library_open(&table.search, "oneDNN", files, symbols)) { return; }
    table.major = version()->major, table.minor = version()->minor, table.patch = version()->patch;
    bool has_2 = table.v2_strided && table.v2_tagged && table.v2_forward && table.v2_input_gradient && table.v2_filter_gradient
        && table.v2_primitive_description;
    bool has_3 = table.v3_strided && table.v3_tagged && table.v3_description_destroy && table.v3_forward && table.v3_input_gradient
        && table.v3_filter_gradient;
    if (table.major >= 3 ? has_3 : has_2) { return; }
    table.search.found = false;
    snprintf(table.search.reason, sizeof table.search.reason, "%s lacks functions of version %d", table.search.file, table.major);
}

const libraries_onednn *libraries_onednn_table(void) {
    pthread_once(&once, fill);
    return &table;
}

typedef struct call { const library_product *product; int status; } call;

static void multiply(void *context) {
    call *call = context;
    const library_product *p = call->product;
    call->status = table.sgemm(
        p->a_transposed ? 'T' : 'N', p->b_transposed ? 'T' : 'N', p->m, p->n, p->k, 1, p->a, p->lda, p->b, p->ldb, 0, p->c, p->ldc);
}

bool libraries_onednn_multiply(const library_product *product) {
    call call = {.product = product};
    if (!library_guarded(multiply, &call)) { return false; }
    if (call.status == 1) { library_note_lack(); }
    return call.status == 0;
}
