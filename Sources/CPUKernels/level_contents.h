/// Everything that is compiled once per instruction set level.
#include "loops_table.h"
#include "chains.h"
#include "matmul_tiles.h"
#include "matmul_vector.h"
#include "attention_blocks.h"
#include "depthwise_planes.h"
#include "peak_loops.h"
#include "pooling_windows.h"
#include "recurrence_cells.h"
#include "reductions.h"
#include "reductions_rows.h"
#include "transpose_tile.h"
#include "winograd_transforms.h"

#include "levels.h"

const soma_level SOMA_LEVEL = {
    .name = SOMA_LEVEL_NAME,
    .lanes = SOMA_LANES,
    .loops = &loops,
    .reducers = &reducers,
    .run_chain = run_chain,
    .matmul = {.lanes = SOMA_LANES, .rows = SOMA_TILE_ROWS, .tiles = tiles, .window_tiles = window_tiles, .pack_panel = pack_panel,
               .row_times_rows = row_times_rows, .row_times_columns = row_times_columns},
    .attention = {.soften = attention_soften, .gradient = attention_gradient, .soften_row = attention_soften_row},
    .depthwise = {.filter = depthwise_filter, .products = depthwise_products},
    .recurrence = {.cell = recurrence_cell_run, .gradient = recurrence_cell_gradient_run},
    .winograd = {.input = winograd_input, .magnitudes = winograd_magnitudes, .output = winograd_output, .filter = winograd_filter},
    .transpose_tile = transpose_tile,
    .peaks = {.operations = 2.0 * peak_chains * SOMA_LANES, .multiply_adds = peak_multiply_adds, .read = peak_read, .write = peak_write,
              .copy = peak_copy},
    .pooling = {.max = pool_max, .sum = pool_sum, .max_gradient = pool_max_gradient, .sum_gradient = pool_sum_gradient},
};
