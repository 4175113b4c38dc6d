// Lets calls of the system fail on purpose. scripts/fault-check compiles it and puts it before a program by LD_PRELOAD.
//
//     FAULT_CALL    the call: flock, fsync, open, pread, read, rename or write
//     FAULT_ERROR   the number of the error; 0 for half of what was asked for, of write, read and pread
//     FAULT_PATH    only calls on files whose path contains this
//     FAULT_AFTER   how many of these calls go well first
//     FAULT_TIMES   how many fail then, before they go well again; all, where it is not set
//     FAULT_EVERY   of those that could fail only each so manieth does
//     FAULT_LOG     a file that gets a byte for each fault, so that a check that met none is told from one that stood all
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum fault { none, fails, half };

static long number(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static void take_down(void) {
    const char *log = getenv("FAULT_LOG");
    if (!log) { return; }
    // Past this library: the log is no file under test.
    long file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    syscall(SYS_write, file, "x", 1);
    syscall(SYS_close, file);
}

static enum fault fault_of(const char *call, const char *path) {
    static atomic_long seen;
    const char *wanted = getenv("FAULT_CALL"), *part = getenv("FAULT_PATH");
    if (!wanted || strcmp(wanted, call) != 0 || !path || (part && !strstr(path, part))) { return none; }
    long place = atomic_fetch_add(&seen, 1) - number("FAULT_AFTER", 0), every = number("FAULT_EVERY", 1);
    if (place < 0 || place % every != every - 1 || place / every >= number("FAULT_TIMES", LONG_MAX)) { return none; }
    take_down();
    errno = (int)number("FAULT_ERROR", EIO);
    return errno == 0 ? half : fails;
}

static enum fault fault_on(const char *call, int file) {
    char link[40], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) { return none; }
    path[length] = 0;
    return fault_of(call, path);
}

static size_t reduced(enum fault fault, size_t size) { return fault == half && size > 1 ? size / 2 : size; }

#define ORIGINAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *bytes, size_t size) {
    enum fault fault = fault_on("write", file);
    return fault == fails ? -1 : ORIGINAL(write)(file, bytes, reduced(fault, size));
}

ssize_t read(int file, void *bytes, size_t size) {
    enum fault fault = fault_on("read", file);
    return fault == fails ? -1 : ORIGINAL(read)(file, bytes, reduced(fault, size));
}

ssize_t pread(int file, void *bytes, size_t size, off_t offset) {
    enum fault fault = fault_on("pread", file);
    return fault == fails ? -1 : ORIGINAL(pread)(file, bytes, reduced(fault, size), offset);
}

ssize_t pread64(int file, void *bytes, size_t size, off64_t offset) { return pread(file, bytes, size, offset); }

int fsync(int file) { return fault_on("fsync", file) == fails ? -1 : ORIGINAL(fsync)(file); }

int flock(int file, int operation) { return fault_on("flock", file) == fails ? -1 : ORIGINAL(flock)(file, operation); }

int rename(const char *from, const char *to) { return fault_of("rename", to) == fails ? -1 : ORIGINAL(rename)(from, to); }

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return fault_of("open", path) == fails ? -1 : ORIGINAL(open)(path, flags, mode);
}
