#pragma once
#include <stddef.h>
#include <stdint.h>

#include "library_search.h"

/// What is known of an answer: complete after `libraries_curl_get`, as far as its header goes while bytes arrive.
typedef struct http_answer {
    int code;             ///< libcurl's own result, 0 for success; see `http_code`.
    long status;          ///< The HTTP status, 0 where no answer came.
    int64_t first_byte;   ///< Where a partial answer (206) begins, by its Content-Range; -1 where it does not say.
    int64_t length;       ///< Bytes of this answer's body; -1 where unknown.
    char reason[256];     ///< libcurl's words for a failure.
} http_answer;

/// The results of libcurl that retrying cannot mend.
enum http_code { HTTP_UNSUPPORTED_PROTOCOL = 1, HTTP_BAD_URL = 3, HTTP_TOO_MANY_REDIRECTS = 47, HTTP_BAD_CERTIFICATE = 60 };

typedef struct http_request {
    const char *url;
    int64_t first_byte;       ///< Asks for the file from this byte on; 0 for the whole.
    long connect_seconds;     ///< How long reaching the server may take.
    long stall_seconds;       ///< How long nothing may arrive.
    /// Receives the body of a 200 or 206 answer, piece by piece; false stops the transfer.
    bool (*receive)(void *context, const http_answer *answer, const void *bytes, size_t count);
    void *context;
} http_request;

/// How the search for libcurl went. Safe from any thread.
const library_search *libraries_curl_search(void);

/// Fetches by HTTP or HTTPS, following redirections. Needs a found libcurl. Safe from any thread.
http_answer libraries_curl_get(const http_request *request);
