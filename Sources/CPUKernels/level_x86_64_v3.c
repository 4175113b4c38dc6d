#include "levels.h"
#if defined(__x86_64__)
#include "level_headers.h"
#define SOMA_LANES 8
#define SOMA_TILE_ROWS 6
#define SOMA_LEVEL soma_level_x86_64_v3
#define SOMA_LEVEL_NAME "x86-64-v3"
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"), min_vector_width(256))), apply_to = function)
#include "level_contents.h"
#pragma clang attribute pop
#endif
