#include "level_headers.h"
#define SOMA_LANES 4
#if defined(__aarch64__)
#define SOMA_TILE_ROWS 12
#else
#define SOMA_TILE_ROWS 6
#endif
#define SOMA_LEVEL soma_level_baseline
#define SOMA_LEVEL_NAME "baseline"
#include "level_contents.h"
