#include "libraries_openmp.h"

#include "environment_override.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

static libraries_openmp table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

// A thread that waits for the others of its team spins before it sleeps, by default for milliseconds. Where another process wants the core, the
// one that is waited for does not run meanwhile: a training step that takes 2.4 ms alone then takes 120. This short a spin costs 3 % alone and
// brings the 120 to some 10; a third of it makes steps that follow one another soon up to a tenth slower. Who sets one of these variables decides
// for himself. The library reads it while it is opened, and not again.
static environment_override shorten_spinning(void) {
    if (getenv("OMP_WAIT_POLICY") != NULL || getenv("GOMP_SPINCOUNT") != NULL) { return (environment_override){0}; }
    const environment_change change = {"GOMP_SPINCOUNT", "3000"};
    return environment_override_begin(&change, 1);
}

static void fill(void) {
    const char *const files[] = {"libgomp.so.1", NULL};
    const library_symbol symbols[] = {
        {"GOMP_parallel", (void **)&table.parallel, false},
        {"omp_get_thread_num", (void **)&table.thread, false},
        {"omp_get_num_threads", (void **)&table.threads, false},
        {"omp_get_max_threads", (void **)&table.most_threads, false},
        {"omp_set_num_threads", (void **)&table.set_most_threads, false},
        {NULL, NULL, false},
    };
    environment_override override = shorten_spinning();
    library_open(&table.search, "OpenMP", files, symbols);
    environment_override_end(override);
}

const libraries_openmp *libraries_openmp_table(void) {
    pthread_once(&once, fill);
    return &table;
}
