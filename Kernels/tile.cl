// What matmul.cl and convolution.cl share: the tile of sums that a work-group makes from tiles of both factors in local memory.
//
// Of a TILE_M × TILE_N tile a work-item makes THREAD_M × THREAD_N sums, in blocks of 4×4 that lie TILE/(THREAD/4) apart, so that 32 neighbours
// (8 along n, 4 along m) read whole 128-byte lines of local memory. Both factors lie [k][cross] and are read 128 bits at a time.
//
//     work-item (y, x) of a 128 × 128 tile, 16 × 16 items:
//                    x·4        64 + x·4
//              ┌────────────┬────────────┐
//          y·4 │    4×4     │    4×4     │
//              ├────────────┼────────────┤
//     64 + y·4 │    4×4     │    4×4     │
//              └────────────┴────────────┘

#ifndef TILE_M
#define TILE_M 128  // rows of C a work-group makes
#endif
#ifndef TILE_N
#define TILE_N 128  // columns of C a work-group makes
#endif
#ifndef TILE_K
#define TILE_K 16  // depth of the tiles in local memory
#endif
#ifndef THREAD_M
#define THREAD_M 8  // rows of C a work-item makes, a multiple of 4
#endif
#ifndef THREAD_N
#define THREAD_N 8  // columns of C a work-item makes, a multiple of 4
#endif
#ifndef UNROLL
#define UNROLL 4  // steps of depth that are written out one after the other, a divisor of TILE_K
#endif
#ifndef PAD
#define PAD 4  // floats between rows in local memory, against bank conflicts of the transposing writes
#endif
#ifndef BAND
#define BAND 8  // rows of tiles that are walked together
#endif

#define ITEMS_M (TILE_M / THREAD_M)
#define ITEMS_N (TILE_N / THREAD_N)
#define ITEMS (ITEMS_M * ITEMS_N)
#define QUADS_M (THREAD_M / 4)
#define QUADS_N (THREAD_N / 4)

// A tile of each factor. One structure: an address serves both.
typedef struct {
    float a[TILE_K][TILE_M + PAD], b[TILE_K][TILE_N + PAD];
} tile_pair;

// Two tiles of each factor, of which one is multiplied while the other is filled; the sums of a work-item; and which they are.
#define DECLARE_TILES \
    local tile_pair stages[2] __attribute__((aligned(16))); \
    const int item = get_local_id(0); \
    const int lane_x = item / 32 % (ITEMS_N / 8) * 8 + item % 8, lane_y = item / 32 / (ITEMS_N / 8) * 4 + item % 32 / 8; \
    float4 sums[THREAD_M][QUADS_N]; \
    _Pragma("unroll") for (int i = 0; i < THREAD_M; i++) \
        _Pragma("unroll") for (int q = 0; q < QUADS_N; q++) sums[i][q] = SOMA_FLOAT4(0.0f, 0.0f, 0.0f, 0.0f);

// Where the rows and columns of a work-item begin: the first of quad q in the tile.
#define QUAD_ROW(q) ((q) * (TILE_M / QUADS_M) + lane_y * 4)
#define QUAD_COLUMN(q) ((q) * (TILE_N / QUADS_N) + lane_x * 4)

// A sum of a work-item: of row i, number j of quad q. Sums are kept in quads, so that compilers that pair them for instructions which add two
// products at once pair neighbours.
#define SUM(i, q, j) (((float *)&sums[i][q])[j])

#define MULTIPLY_ADD(i, component) \
    sums[i][q].x = soma_multiply_add_float(component, b_row[q].x, sums[i][q].x); \
    sums[i][q].y = soma_multiply_add_float(component, b_row[q].y, sums[i][q].y); \
    sums[i][q].z = soma_multiply_add_float(component, b_row[q].z, sums[i][q].z); \
    sums[i][q].w = soma_multiply_add_float(component, b_row[q].w, sums[i][q].w);

// Adds the product of the tiles on one side to the sums. Places in both tiles are counted on: compilers for AMD reckon a place that is told by
// its depth anew each time, which takes twice the instructions.
#define MULTIPLY_TILES(side) \
    local const float *a_tile = &stages[side].a[0][QUAD_ROW(0)], *b_tile = &stages[side].b[0][QUAD_COLUMN(0)]; \
    int a_at = 0, b_at = 0; \
    _Pragma("unroll 1") for (int depth0 = 0; depth0 < TILE_K; depth0 += UNROLL, a_at += UNROLL * (TILE_M + PAD), b_at += UNROLL * (TILE_N + PAD)) \
    _Pragma("unroll") for (int depth1 = 0; depth1 < UNROLL; depth1++) { \
        float4 a_column[QUADS_M], b_row[QUADS_N]; \
        _Pragma("unroll") for (int q = 0; q < QUADS_M; q++) \
            a_column[q] = *(local const float4 *)&a_tile[a_at + depth1 * (TILE_M + PAD) + q * (TILE_M / QUADS_M)]; \
        _Pragma("unroll") for (int q = 0; q < QUADS_N; q++) \
            b_row[q] = *(local const float4 *)&b_tile[b_at + depth1 * (TILE_N + PAD) + q * (TILE_N / QUADS_N)]; \
        _Pragma("unroll") for (int p = 0; p < QUADS_M; p++) \
            _Pragma("unroll") for (int q = 0; q < QUADS_N; q++) { \
                MULTIPLY_ADD(p * 4 + 0, a_column[p].x) \
                MULTIPLY_ADD(p * 4 + 1, a_column[p].y) \
                MULTIPLY_ADD(p * 4 + 2, a_column[p].z) \
                MULTIPLY_ADD(p * 4 + 3, a_column[p].w) \
            } \
    }

// Which tile of which product a work-group makes: tiles are counted in bands of BAND rows of tiles, which keeps the B of a band in the
// second-level cache.
#define FIND_TILE(m, n) \
    const int tiles_m = ((m) + TILE_M - 1) / TILE_M, tiles_n = ((n) + TILE_N - 1) / TILE_N, tiles = tiles_m * tiles_n; \
    const int product = get_group_id(0) / tiles, tile = get_group_id(0) % tiles; \
    const int band = tile / (BAND * tiles_n), band_rows = SOMA_MIN(BAND, tiles_m - band * BAND), in_band = tile % (BAND * tiles_n); \
    const int row0 = (band * BAND + in_band % band_rows) * TILE_M, column0 = in_band / band_rows * TILE_N;
