#include "library_search.h"

#include "signal_actions.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
