/// Everything that is compiled once per instruction set level.
#include "matmul_tiles.h"

#include "levels.h"

const soma_level SOMA_LEVEL = {
    .name = SOMA_LEVEL_NAME,
    .lanes = SOMA_LANES,
    .matmul = {.lanes = SOMA_LANES, .rows = SOMA_TILE_ROWS, .tiles = tiles, .pack_panel = pack_panel},
};
