#include "libraries_openblas.h"

#include <pthread.h>
#include <stddef.h>

static libraries_openblas table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(void) {
    const char *const files[] = {"libopenblas.so.0", "libopenblas.so", NULL};
    const library_symbol symbols[] = {
        {"cblas_sgemm", (void **)&table.sgemm, false},
        {"openblas_get_parallel", (void **)&table.parallel, false},
        {"openblas_get_config", (void **)&table.config, true},
        {"openblas_set_num_threads", (void **)&table.set_threads, false},
        {NULL, NULL, false},
    };
    library_open(&table.search, "OpenBLAS", files, symbols);
}

const libraries_openblas *libraries_openblas_table(void) {
    pthread_once(&once, fill);
    return &table;
}
