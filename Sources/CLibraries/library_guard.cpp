#include "library_guard.h"

#include <cstdio>
#include <exception>
#include <new>
#include <sys/resource.h>
#include <unistd.h>

static thread_local bool lacked;

void library_note_lack(void) { lacked = true; }

bool library_lacked_memory(void) {
    bool result = lacked;
    lacked = false;
    return result;
}

// What libraries throw when they compute is a lack of memory by one name or another: of ordinary memory, or of pages for code that they write.
bool library_guarded(void (*body)(void *), void *context) {
    try {
        body(context);
        return true;
    } catch (...) {
        lacked = true;
        return false;
    }
}

/// Where there may be no memory left: nothing is allocated here.
static void end_in_words(void) {
    char line[400];
    const char *reason = "an exception of no known kind";
    try {
        if (std::current_exception()) { throw; }
    } catch (const std::bad_alloc &) {
        reason = "out of memory";
    } catch (const std::exception &error) {
        reason = error.what();
    } catch (...) {
    }
    struct rlimit limit;
    char hint[100] = "";
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        snprintf(hint, sizeof hint, "; ulimit -v allows this process %llu KiB of addresses", (unsigned long long)limit.rlim_cur >> 10);
    }
    int length = snprintf(line, sizeof line, "soma: a library for computing has failed: %s%s\n", reason, hint);
    if (length > (int)sizeof line - 1) { length = sizeof line - 1; }
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
    _exit(1);
}

void library_end_in_words(void) { std::set_terminate(end_in_words); }
