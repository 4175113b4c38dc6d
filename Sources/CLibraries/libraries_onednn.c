#include "libraries_onednn.h"

#include <pthread.h>
#include <stddef.h>

/// The head of oneDNN's `dnnl_version_t`, of which only the first number is read.
typedef struct version_head { int major; } version_head;

static libraries_onednn table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(void) {
    const version_head *(*version)(void) = NULL;
    const char *const files[] = {"libdnnl.so.3", "libdnnl.so.2", NULL};
    const library_symbol symbols[] = {
        {"dnnl_sgemm", (void **)&table.sgemm, false},
        {"dnnl_version", (void **)&version, false},
        {NULL, NULL, false},
    };
    if (library_open(&table.search, "oneDNN", files, symbols)) { table.major = version()->major; }
}

const libraries_onednn *libraries_onednn_table(void) {
    pthread_once(&once, fill);
    return &table;
}
