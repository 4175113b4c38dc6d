#define _GNU_SOURCE
#include "signal_actions.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

enum { signal_count = 32 };

struct signal_actions { struct sigaction actions[signal_count]; };

static bool comes_from_outside(int number) {
    switch (number) {
    case SIGKILL: case SIGSTOP:
    case SIGILL: case SIGTRAP: case SIGABRT: case SIGBUS: case SIGFPE: case SIGSEGV: case SIGSYS: case SIGSTKFLT: return false;
    default: return true;
    }
}

/// Whether two actions hold the same signals back while they run. Bits of a set beyond the last signal may be anything.
static bool hold_the_same_back(const sigset_t *a, const sigset_t *b) {
    for (int number = 1; number <= SIGRTMAX; number++) {
        if (sigismember(a, number) != sigismember(b, number)) { return false; }
    }
    return true;
}

static bool are_equal(const struct sigaction *a, const struct sigaction *b) {
    return a->sa_handler == b->sa_handler && a->sa_flags == b->sa_flags && hold_the_same_back(&a->sa_mask, &b->sa_mask);
}

signal_actions *signal_actions_save(void) {
    signal_actions *saved = malloc(sizeof *saved);
    for (int number = 1; saved != NULL && number < signal_count; number++) {
        if (comes_from_outside(number)) { sigaction(number, NULL, &saved->actions[number]); }
    }
    return saved;
}

void signal_actions_restore(signal_actions *saved) {
    for (int number = 1; saved != NULL && number < signal_count; number++) {
        if (!comes_from_outside(number)) { continue; }
        const struct sigaction *before = &saved->actions[number];
        struct sigaction now;
        if (sigaction(number, NULL, &now) != 0) { continue; }
        if (!are_equal(&now, before)) { sigaction(number, before, NULL); }
    }
    free(saved);
}
