#include "libraries_openmp.h"

#include <pthread.h>
#include <stddef.h>

static libraries_openmp table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(void) {
    const char *const files[] = {"libgomp.so.1", NULL};
    const library_symbol symbols[] = {
        {"GOMP_parallel", (void **)&table.parallel, false},
        {"omp_get_thread_num", (void **)&table.thread, false},
        {"omp_get_num_threads", (void **)&table.threads, false},
        {NULL, NULL, false},
    };
    library_open(&table.search, "OpenMP", files, symbols);
}

const libraries_openmp *libraries_openmp_table(void) {
    pthread_once(&once, fill);
    return &table;
}
