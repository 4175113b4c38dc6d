#include "levels.h"
#if defined(__x86_64__)
#include "level_headers.h"
#define SOMA_LANES 16
#define SOMA_TILE_ROWS 14
#define SOMA_LEVEL soma_level_x86_64_v4
#define SOMA_LEVEL_NAME "x86-64-v4"
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)
#include "level_contents.h"
#pragma clang attribute pop
#endif
