#define _GNU_SOURCE
#include "environment_override.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// Whether `entry`, a `NAME=value`, is of one of the variables.
static bool is_changed(const char *entry, const environment_change *changes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(changes[i].name);
        if (strncmp(entry, changes[i].name, length) == 0 && entry[length] == '=') { return true; }
    }
    return false;
}

environment_override environment_override_begin(const environment_change *changes, size_t count) {
    environment_override result = {.before = __atomic_load_n(&environ, __ATOMIC_ACQUIRE)};
    size_t entries = 0;
    while (result.before != NULL && result.before[entries] != NULL) { entries++; }
    char **during = calloc(entries + count + 1, sizeof *during);
    if (during == NULL) { return result; }
    size_t filled = 0;
    for (size_t i = 0; i < entries; i++) {
        if (!is_changed(result.before[i], changes, count)) { during[filled++] = result.before[i]; }
    }
    for (size_t i = 0; i < count; i++) {
        if (changes[i].value == NULL) { continue; }
        if (asprintf(&during[filled++], "%s=%s", changes[i].name, changes[i].value) < 0) { return result; }
    }
    __atomic_store_n(&environ, during, __ATOMIC_RELEASE);
    result.during = during;
    return result;
}

void environment_override_end(environment_override override) {
    char **current = override.during;
    if (current == NULL) { return; }
    // Where another environment has come in its place, somebody has set a variable: that one stays.
    __atomic_compare_exchange_n(&environ, &current, override.before, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
