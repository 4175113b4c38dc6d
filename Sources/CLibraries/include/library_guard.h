#pragma once
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Calls `body`, which calls a library of C++, where an exception that the library lets out would end the process.
/// - Returns: whether it came back by itself. Where not, `library_lacked_memory` answers.
bool library_guarded(void (*body)(void *context), void *context);

/// A product of matrices as libraries take it, row-major: C = op(A) op(B).
typedef struct library_product {
    bool a_transposed, b_transposed;
    long m, n, k;
    const float *a;
    long lda;
    const float *b;
    long ldb;
    float *c;
    long ldc;
} library_product;

/// Whether a library had no memory since this thread last asked.
bool library_lacked_memory(void);

/// Notes that a library said that it has no memory.
void library_note_lack(void);

/// From now on an exception that nobody catches, as one in a library's own thread, ends the process with one line on standard error and status 1.
void library_end_in_words(void);

#ifdef __cplusplus
}
#endif
