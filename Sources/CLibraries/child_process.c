// The child is forked and runs no other program, since a library has none of its own to run. Of the threads of this process it has only the
// one that forked; the C library sees to its own locks.
#define _GNU_SOURCE
#include "child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/// Bytes of complaints that are held at a time.
#define MOST_COMPLAINTS (1 << 16)

typedef void body_function(FILE *out, const char *argument);

/// What is left of the time, in milliseconds.
static int milliseconds_left(const struct timespec *end) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long left = (end->tv_sec - now.tv_sec) * 1000LL + (end->tv_nsec - now.tv_nsec) / 1000000;
    return left > 0 ? (int)left : 0;
}

_Noreturn static void run_child(body_function *body, const char *argument, int out, int complaints) {
    // A driver that fails is no reason for a core file, a debugger or the parent's handlers.
    const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGTERM, SIGPIPE, SIGXCPU};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) { signal(signals[i], SIG_DFL); }
    // What a terminal or a batch system sends to all processes would look like a driver's death. The parent ends the child, or takes it along when
    // it ends.
    const int keys[] = {SIGINT, SIGQUIT, SIGHUP, SIGUSR1};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) { signal(keys[i], SIG_IGN); }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(complaints, STDERR_FILENO);
    dup2(complaints, STDOUT_FILENO);
    FILE *text = fdopen(out, "w");
    if (text == NULL) { _exit(1); }
    // What was found before a driver ended the process tells which one it was.
    setvbuf(text, NULL, _IOLBF, 4096);
    body(text, argument);
    fputs("end\n", text);
    fflush(text);
    // Without the destructors of drivers.
    _exit(0);
}

static driver_survey run_here(body_function *body, const char *argument) {
    driver_survey result = {.is_own = true};
    FILE *text = open_memstream(&result.text, &result.length);
    if (text == NULL) { return result; }
    body(text, argument);
    fputs("end\n", text);
    fclose(text);
    return result;
}

/// Appends what there is to read; whether there may be more.
static bool gather(int file, char **text, size_t *length) {
    char block[4096];
    ssize_t count = read(file, block, sizeof block);
    if (count < 0) { return errno == EINTR || errno == EAGAIN; }
    char *grown = count > 0 ? realloc(*text, *length + (size_t)count + 1) : NULL;
    if (grown == NULL) { return false; }
    memcpy(grown + *length, block, (size_t)count);
    *length += (size_t)count;
    grown[*length] = '\0';
    *text = grown;
    return true;
}

/// The last line of a text that says anything.
static void keep_last_line(char *text, char *line, size_t capacity) {
    for (char *part = strtok(text, "\n"); part != NULL; part = strtok(NULL, "\n")) {
        if (part[strspn(part, " \t\r")] != '\0') { snprintf(line, capacity, "%s", part); }
    }
}

static bool is_whole(const driver_survey *survey) {
    return survey->length >= 4 && memcmp(survey->text + survey->length - 4, "end\n", 4) == 0;
}

/// What is waited for: the end of patience, and the line that is said before it, until it was.
typedef struct waiting {
    struct timespec end, quiet_end;
    const char *notice;
} waiting;

static struct timespec seconds_from_now(int seconds) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += seconds;
    return time;
}

/// Says what is waited for once that is no longer a moment.
static void say_notice(waiting *wait) {
    if (wait->notice == NULL || milliseconds_left(&wait->quiet_end) > 0) { return; }
    dprintf(STDERR_FILENO, "%s\n", wait->notice);
    wait->notice = NULL;
}

/// Reads what the child writes until it has ended its text or itself.
static void listen_to(int out, int complaints, waiting *wait, driver_survey *result) {
    char *said = NULL;
    size_t said_length = 0;
    struct pollfd files[] = {{.fd = out, .events = POLLIN}, {.fd = complaints, .events = POLLIN}};
    // A helper that a driver has started may hold the second pipe open for ever.
    while (files[0].fd >= 0) {
        int ready = poll(files, 2, milliseconds_left(wait->notice != NULL ? &wait->quiet_end : &wait->end));
        // A driver may write without end, so that there is always something to read.
        if (milliseconds_left(&wait->end) == 0) { break; }
        say_notice(wait);
        if (ready <= 0) { continue; }
        // What a driver has started may hold the first pipe open too, long after the text has ended.
        if (files[0].revents != 0 && (!gather(out, &result->text, &result->length) || is_whole(result))) { files[0].fd = -1; }
        if (files[1].revents != 0 && !gather(complaints, &said, &said_length)) { files[1].fd = -1; }
        // Of complaints the last line is kept alone.
        if (said_length > MOST_COMPLAINTS) { said_length = 0; }
    }
    fcntl(complaints, F_SETFL, O_NONBLOCK);
    for (size_t before = said_length + 1; files[1].fd >= 0 && before != said_length && milliseconds_left(&wait->end) > 0;) {
        before = said_length;
        if (!gather(complaints, &said, &said_length)) { break; }
    }
    if (said != NULL) { keep_last_line(said, result->complaint, sizeof result->complaint); }
    free(said);
}

driver_survey survey_in_child(body_function *body, const char *argument, survey_patience patience) {
    int out[2], complaints[2];
    if (pipe2(out, O_CLOEXEC) != 0) { return run_here(body, argument); }
    if (pipe2(complaints, O_CLOEXEC) != 0) {
        close(out[0]), close(out[1]);
        return run_here(body, argument);
    }
    pid_t child = fork();
    if (child == 0) { run_child(body, argument, out[1], complaints[1]); }
    close(out[1]), close(complaints[1]);
    driver_survey result = {0};
    waiting wait = {seconds_from_now(patience.seconds), seconds_from_now(SURVEY_QUIET_SECONDS), patience.notice};
    if (child > 0) { listen_to(out[0], complaints[0], &wait, &result); }
    close(out[0]), close(complaints[0]);
    if (child < 0) { return run_here(body, argument); }
    bool is_late = !is_whole(&result) && milliseconds_left(&wait.end) == 0;
    // By now it has nothing more to say, whatever its driver's threads still do.
    if (is_late || is_whole(&result)) { kill(child, SIGKILL); }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (!is_whole(&result)) { result.signal = is_late ? -1 : WIFSIGNALED(status) ? WTERMSIG(status) : 0; }
    return result;
}
