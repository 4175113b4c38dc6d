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
    if (!library_has_room(&table.search, "OpenBLAS", files[0])) { return; }
    library_open(&table.search, "OpenBLAS", files, symbols);
}

const libraries_openblas *libraries_openblas_table(void) {
    pthread_once(&once, fill);
    return &table;
}

static void multiply(void *context) {
    const library_product *p = context;
    enum { row_major = 101, plain = 111, transposed = 112 };
    table.sgemm(
        row_major, p->a_transposed ? transposed : plain, p->b_transposed ? transposed : plain, (int)p->m, (int)p->n, (int)p->k, 1, p->a, (int)p->lda,
        p->b, (int)p->ldb, 0, p->c, (int)p->ldc);
}

bool libraries_openblas_multiply(const library_product *product) { return library_guarded(multiply, (void *)product); }
