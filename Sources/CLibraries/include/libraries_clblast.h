#pragma once
#include "libraries_opencl.h"
#include <clblast_c.h>

#define LIBRARIES_CLBLAST_FUNCTIONS(F) F(CLBlastSgemm)
#define LIBRARIES_CLBLAST_FIELD(function) __typeof__(function) *_Nonnull function;

/// The functions of CLBlast that are called, found at run time; to be called only where `search.found`.
/// CLBlast itself loads libOpenCL: look for it only once an OpenCL device is in use.
typedef struct libraries_clblast {
    library_search search;
    LIBRARIES_CLBLAST_FUNCTIONS(LIBRARIES_CLBLAST_FIELD)
} libraries_clblast;

#undef LIBRARIES_CLBLAST_FIELD

/// The table, filled by the first call. Safe from any thread.
const libraries_clblast *_Nonnull libraries_clblast_table(void);
