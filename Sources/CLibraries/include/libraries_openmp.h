#pragma once
#include "library_search.h"

/// The functions of GCC's OpenMP runtime that are called, found at run time; null where it is missing.
///
/// OpenBLAS and oneDNN run on it. A loop of ours started through `parallel` runs on the same team of threads as
/// theirs, so that two teams never fight over the cores.
typedef struct libraries_openmp {
    library_search search;

    /// Runs `body(data)` on every member of a team of `threads`, the caller among them, and waits for all.
    void (*parallel)(void (*body)(void *data), void *data, unsigned threads, unsigned flags);

    int (*thread)(void);   ///< The number of the calling member, from 0.
    int (*threads)(void);  ///< The size of the running team: it may be smaller than asked for.

    int (*most_threads)(void);              ///< How many threads the caller's next team has where nobody says.
    void (*set_most_threads)(int count);    ///< Sets that number for the calling thread.
} libraries_openmp;

/// The table, filled by the first call. Safe from any thread.
const libraries_openmp *libraries_openmp_table(void);
