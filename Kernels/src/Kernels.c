#include "Kernels.h"

// A new file of kernels needs its lines here; a test compares this table with the folder.
static const char activations[] = {
#embed "../activations.cl"
    , 0};
static const char activations_cpu[] = {
#embed "../activations_cpu.cl"
    , 0};
static const char attention[] = {
#embed "../attention.cl"
    , 0};
static const char attention_cpu[] = {
#embed "../attention_cpu.cl"
    , 0};
static const char convolution[] = {
#embed "../convolution.cl"
    , 0};
static const char convolution_cpu[] = {
#embed "../convolution_cpu.cl"
    , 0};
static const char copy[] = {
#embed "../copy.cl"
    , 0};
static const char depthwise[] = {
#embed "../depthwise.cl"
    , 0};
static const char gather[] = {
#embed "../gather.cl"
    , 0};
static const char map[] = {
#embed "../map.cl"
    , 0};
static const char map_cpu[] = {
#embed "../map_cpu.cl"
    , 0};
static const char matmul[] = {
#embed "../matmul.cl"
    , 0};
static const char matmul_cpu[] = {
#embed "../matmul_cpu.cl"
    , 0};
static const char peaks[] = {
#embed "../peaks.cl"
    , 0};
static const char pooling[] = {
#embed "../pooling.cl"
    , 0};
static const char pooling_cpu[] = {
#embed "../pooling_cpu.cl"
    , 0};
static const char prelude[] = {
#embed "../prelude.cl"
    , 0};
static const char random_words[] = {
#embed "../random.cl"
    , 0};
static const char reduce[] = {
#embed "../reduce.cl"
    , 0};
static const char reduce_cpu[] = {
#embed "../reduce_cpu.cl"
    , 0};
static const char row[] = {
#embed "../row.cl"
    , 0};
static const char taps[] = {
#embed "../taps.cl"
    , 0};
static const char tile[] = {
#embed "../tile.cl"
    , 0};
static const char tile_cpu[] = {
#embed "../tile_cpu.cl"
    , 0};
static const char winograd[] = {
#embed "../winograd.cl"
    , 0};

static const char convolution_tiles[] = {
#embed "../tuning/convolution.txt"
    , 0};
static const char map_tuning[] = {
#embed "../tuning/map.txt"
    , 0};
static const char matmul_tiles[] = {
#embed "../tuning/matmul.txt"
    , 0};
static const char reduce_tuning[] = {
#embed "../tuning/reduce.txt"
    , 0};

#define ENTRY(name, array) {name, array, sizeof array - 1}

static const kernel_text files[] = {
    ENTRY("activations", activations),        ENTRY("activations_cpu", activations_cpu),
    ENTRY("attention", attention),            ENTRY("attention_cpu", attention_cpu),
    ENTRY("convolution", convolution),        ENTRY("convolution_cpu", convolution_cpu),
    ENTRY("copy", copy),                      ENTRY("depthwise", depthwise),
    ENTRY("gather", gather),                  ENTRY("map", map),
    ENTRY("map_cpu", map_cpu),                ENTRY("matmul", matmul),
    ENTRY("matmul_cpu", matmul_cpu),          ENTRY("peaks", peaks),
    ENTRY("pooling", pooling),                ENTRY("pooling_cpu", pooling_cpu),
    ENTRY("prelude", prelude),                ENTRY("random", random_words),
    ENTRY("reduce", reduce),                  ENTRY("reduce_cpu", reduce_cpu),
    ENTRY("row", row),                        ENTRY("taps", taps),
    ENTRY("tile", tile),                      ENTRY("tile_cpu", tile_cpu),
    ENTRY("winograd", winograd),
};

size_t kernel_text_count(void) { return sizeof files / sizeof *files; }

kernel_text kernel_text_at(size_t place) { return files[place]; }

const char *kernel_matmul_tiles(void) { return matmul_tiles; }

const char *kernel_convolution_tiles(void) { return convolution_tiles; }

const char *kernel_reduce_tuning(void) { return reduce_tuning; }

const char *kernel_map_tuning(void) { return map_tuning; }
