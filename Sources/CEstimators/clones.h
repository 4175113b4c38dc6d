#pragma once

/// Compiles a function once for each of the vector units that processors may have; the one that the processor has is picked when the program starts.
#if defined(__x86_64__) && __has_attribute(target_clones)
#define SOMA_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SOMA_CLONES
#endif
