// libcurl sets options through variable arguments, which only C can call. The numbers below are part of its binary
// interface, which has not changed since libcurl.so.4 appeared; so its headers are not needed to build.
#include "libraries_curl.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum option {
    LOW_SPEED_LIMIT = 19, LOW_SPEED_TIME = 20, FOLLOW_LOCATION = 52, MAX_REDIRECTIONS = 68, CONNECT_TIMEOUT = 78,
    NO_SIGNAL = 99, PROTOCOLS = 181, REDIRECTION_PROTOCOLS = 182,
    WRITE_DATA = 10001, URL = 10002, RANGE = 10007, ERROR_BUFFER = 10010, USER_AGENT = 10018, HEADER_DATA = 10029,
    WRITE_FUNCTION = 20011, HEADER_FUNCTION = 20079,
};
enum info { STATUS = 0x200002, BODY_LENGTH = 0x60000F };
enum { HTTP_AND_HTTPS = 1 | 2, INITIALISE_ALL = 3 };

static struct {
    library_search search;
    int (*global_init)(long flags);
    void *(*easy_init)(void);
    int (*easy_setopt)(void *handle, int option, ...);
    int (*easy_perform)(void *handle);
    int (*easy_getinfo)(void *handle, int info, ...);
    void (*easy_cleanup)(void *handle);
    const char *(*easy_strerror)(int code);
} curl;

static void fill(void) {
    const char *const files[] = {"libcurl.so.4", "libcurl-gnutls.so.4", NULL};
    const library_symbol symbols[] = {
        {"curl_global_init", (void **)&curl.global_init, false},
        {"curl_easy_init", (void **)&curl.easy_init, false},
        {"curl_easy_setopt", (void **)&curl.easy_setopt, false},
        {"curl_easy_perform", (void **)&curl.easy_perform, false},
        {"curl_easy_getinfo", (void **)&curl.easy_getinfo, false},
        {"curl_easy_cleanup", (void **)&curl.easy_cleanup, false},
        {"curl_easy_strerror", (void **)&curl.easy_strerror, false},
        {NULL, NULL, false},
    };
    if (library_open(&curl.search, "libcurl", files, symbols)) curl.global_init(INITIALISE_ALL);
}

const library_search *libraries_curl_search(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill);
    return &curl.search;
}

typedef struct transfer {
    void *handle;
    const http_request *request;
    http_answer answer;
} transfer;

static size_t on_header(char *line, size_t size, size_t count, void *context) {
    transfer *t = context;
    char text[128];
    size_t length = size * count;
    snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text - 1), line);
    // A redirection's header comes before the answer's own: a new status line forgets what it said.
    if (strncasecmp(text, "HTTP/", 5) == 0) t->answer.first_byte = -1;
    int64_t first;
    if (strncasecmp(text, "content-range:", 14) == 0 && sscanf(text + 14, " bytes %" SCNd64 "-", &first) == 1)
        t->answer.first_byte = first;
    return length;
}

static void read_state(transfer *t) {
    curl.easy_getinfo(t->handle, STATUS, &t->answer.status);
    curl.easy_getinfo(t->handle, BODY_LENGTH, &t->answer.length);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
    transfer *t = context;
    read_state(t);
    if (t->answer.status != 200 && t->answer.status != 206) return 0;
    return t->request->receive(t->request->context, &t->answer, bytes, size * count) ? size * count : 0;
}

static void set_options(transfer *t, char *range, size_t range_size) {
    void *handle = t->handle;
    const http_request *request = t->request;
    curl.easy_setopt(handle, URL, request->url);
    curl.easy_setopt(handle, PROTOCOLS, (long)HTTP_AND_HTTPS);
    curl.easy_setopt(handle, REDIRECTION_PROTOCOLS, (long)HTTP_AND_HTTPS);
    curl.easy_setopt(handle, FOLLOW_LOCATION, 1L);
    curl.easy_setopt(handle, MAX_REDIRECTIONS, 5L);
    curl.easy_setopt(handle, NO_SIGNAL, 1L);
    curl.easy_setopt(handle, CONNECT_TIMEOUT, request->connect_seconds);
    curl.easy_setopt(handle, LOW_SPEED_LIMIT, 1L);
    curl.easy_setopt(handle, LOW_SPEED_TIME, request->stall_seconds);
    curl.easy_setopt(handle, USER_AGENT, "soma");
    curl.easy_setopt(handle, ERROR_BUFFER, t->answer.reason);
    curl.easy_setopt(handle, HEADER_FUNCTION, on_header);
    curl.easy_setopt(handle, HEADER_DATA, t);
    curl.easy_setopt(handle, WRITE_FUNCTION, on_body);
    curl.easy_setopt(handle, WRITE_DATA, t);
    if (request->first_byte > 0) {
        snprintf(range, range_size, "%" PRId64 "-", request->first_byte);
        curl.easy_setopt(handle, RANGE, range);
    }
}

http_answer libraries_curl_get(const http_request *request) {
    transfer t = {.request = request, .answer = {.code = -1, .first_byte = -1, .length = -1, .reason = "no memory"}};
    char range[32];
    t.handle = curl.easy_init();
    if (!t.handle) return t.answer;
    t.answer.reason[0] = '\0';
    set_options(&t, range, sizeof range);
    t.answer.code = curl.easy_perform(t.handle);
    read_state(&t);
    if (t.answer.code != 0 && t.answer.reason[0] == '\0')
        snprintf(t.answer.reason, sizeof t.answer.reason, "%s", curl.easy_strerror(t.answer.code));
    curl.easy_cleanup(t.handle);
    return t.answer;
}
