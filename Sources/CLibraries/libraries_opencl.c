#include "libraries_opencl.h"

#include <pthread.h>
#include <stddef.h>

static libraries_opencl table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define SYMBOL(function) {#function, (void **)&table.function, false},

static void fill(void) {
    const char *const files[] = {"libOpenCL.so.1", NULL};
    const library_symbol symbols[] = {LIBRARIES_OPENCL_FUNCTIONS(SYMBOL) {NULL, NULL, false}};
    if (!library_has_room(&table.search, "OpenCL", files[0])) { return; }
    library_open(&table.search, "OpenCL", files, symbols);
}

const libraries_opencl *libraries_opencl_table(void) {
    pthread_once(&once, fill);
    return &table;
}
