#pragma once
#include <stdbool.h>

/// How the search for one shared library went, for `soma devices --diagnose`.
typedef struct library_search {
    const char *name;      ///< What people call it: "OpenBLAS".
    const char *file;      ///< The file opened, or the last one looked for: "libopenblas.so.0".
    bool found;            ///< Opened, with every function this project calls.
    char reason[256];      ///< Why not, in one line; empty where it was found.
} library_search;

/// A function to look up: its name, and where its address goes.
typedef struct library_symbol {
    const char *name;
    void **address;
    bool optional;         ///< The library still serves without it; the address is then null.
} library_symbol;

/// Whether the environment variable `SOMA_WITHOUT`, a comma-separated list, asks to do without what is called `name`.
bool library_is_hidden(const char *name);

/// Whether `ulimit -v` leaves room for a library that takes much memory; where not, `search` says so, as of one that is not there.
///
/// Those that compute, and the compilers that drivers bring, end the process or wait for ever where they get no memory of their own.
bool library_has_room(library_search *search, const char *name, const char *file);

/// Opens the first of `files` (ended by null) that has all of `symbols` (ended by a null name), and fills them.
///
/// `SOMA_WITHOUT`, with names such as `openblas,onednn,openmp` (compared without case), hides libraries: so is tested what happens on a machine that lacks them.
/// A library once opened stays open.
/// - Returns: whether one was found; `search` says which, or why none.
bool library_open(library_search *search, const char *name, const char *const *files, const library_symbol *symbols);
