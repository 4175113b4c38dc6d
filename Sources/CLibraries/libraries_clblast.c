#include "libraries_clblast.h"

#include <pthread.h>
#include <stddef.h>

static libraries_clblast table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define SYMBOL(function) {#function, (void **)&table.function, false},

static void fill(void) {
    const char *const files[] = {"libclblast.so.1", NULL};
    const library_symbol symbols[] = {LIBRARIES_CLBLAST_FUNCTIONS(SYMBOL) {NULL, NULL, false}};
    if (!library_has_room(&table.search, "CLBlast", files[0])) { return; }
    library_open(&table.search, "CLBlast", files, symbols);
}

const libraries_clblast *libraries_clblast_table(void) {
    pthread_once(&once, fill);
    return &table;
}
