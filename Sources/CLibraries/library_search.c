#define _GNU_SOURCE  // getrlimit, sysconf
#include "library_search.h"

#include "signal_actions.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

bool library_is_hidden(const char *name) {
    const char *list = getenv("SOMA_WITHOUT");
    size_t length = strlen(name);
    while (list != NULL && *list != '\0') {
        size_t item = strcspn(list, ",");
        if (item == length && strncasecmp(list, name, length) == 0) { return true; }
        list += item + (list[item] == ',');
    }
    return false;
}

/// Bytes of addresses that a library for computing takes with its threads, its buffers and the code that it writes, amply.
static const unsigned long long ample_addresses = 1ULL << 30;

bool library_has_room(library_search *search, const char *name, const char *file) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) { return true; }
    unsigned long long pages = 0;
    FILE *statistics = fopen("/proc/self/statm", "re");
    if (statistics != NULL) {
        if (fscanf(statistics, "%llu", &pages) != 1) { pages = 0; }
        fclose(statistics);
    }
    unsigned long long used = pages * (unsigned long long)sysconf(_SC_PAGESIZE);
    if (used + ample_addresses <= limit.rlim_cur) { return true; }
    *search = (library_search){.name = name, .file = file};
    snprintf(search->reason, sizeof search->reason, "ulimit -v leaves less than the %llu MiB of addresses that it may take", ample_addresses >> 20);
    return false;
}

static bool resolve(void *handle, library_search *search, const library_symbol *symbols) {
    for (const library_symbol *symbol = symbols; symbol->name != NULL; symbol++) {
        *symbol->address = dlsym(handle, symbol->name);
        if (*symbol->address == NULL && !symbol->optional) {
            snprintf(search->reason, sizeof search->reason, "%s has no %s", search->file, symbol->name);
            return false;
        }
    }
    return true;
}

bool library_open(library_search *search, const char *name, const char *const *files, const library_symbol *symbols) {
    *search = (library_search){.name = name, .file = files[0]};
    if (library_is_hidden(name)) {
        snprintf(search->reason, sizeof search->reason, "hidden by SOMA_WITHOUT");
        return false;
    }
    // Libraries run code of theirs when they are opened.
    signal_actions *actions = signal_actions_save();
    for (; *files != NULL; files++) {
        search->file = *files;
        void *handle = dlopen(*files, RTLD_NOW | RTLD_LOCAL);
        if (handle == NULL) {
            const char *reason = dlerror();
            snprintf(search->reason, sizeof search->reason, "%s", reason ? reason : "cannot be opened");
        } else if (resolve(handle, search, symbols)) {
            search->found = true;
            search->reason[0] = '\0';
            break;
        } else {
            dlclose(handle);
        }
    }
    signal_actions_restore(actions);
    if (search->found) { return true; }
    for (; symbols->name != NULL; symbols++) { *symbols->address = NULL; }
    return false;
}
