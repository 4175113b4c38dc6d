#include "soma_peaks.h"

#include "levels.h"
#include "soma_team.h"

typedef struct peak_run {
    const soma_peak_kernels *kernels;
    long rounds;
    float *to;
    const float *from;
} peak_run;

// Where results go, so that no compiler leaves out what makes them.
static volatile float sink;
static volatile float half = 0.5f;

static void multiply_adds(long begin, long end, int part, void *context) {
    (void)part;
    const peak_run *run = context;
    for (long member = begin; member < end; member++) { sink = run->kernels->multiply_adds(run->rounds, half); }
}

void soma_peak_multiply_adds(long rounds) {
    peak_run run = {.kernels = &soma_level_current()->peaks, .rounds = rounds};
    soma_parallel_for(soma_team_size(), 1, multiply_adds, &run);
}

double soma_peak_round_operations(void) { return soma_level_current()->peaks.operations * soma_team_size(); }

static void read_cache(long begin, long end, int part, void *context) {
    (void)part;
    const peak_run *run = context;
    _Alignas(64) float block[SOMA_PEAK_BLOCK];
    for (int i = 0; i < SOMA_PEAK_BLOCK; i++) { block[i] = half; }
    for (long member = begin; member < end; member++) {
        for (long round = 0; round < run->rounds; round++) { sink = run->kernels->read(block, SOMA_PEAK_BLOCK); }
    }
}

void soma_peak_read_cache(long rounds) {
    peak_run run = {.kernels = &soma_level_current()->peaks, .rounds = rounds};
    soma_parallel_for(soma_team_size(), 1, read_cache, &run);
}

double soma_peak_round_bytes(void) { return (double)(SOMA_PEAK_BLOCK * sizeof(float)) * soma_team_size(); }

static void read_blocks(long begin, long end, int part, void *context) {
    (void)part;
    const peak_run *run = context;
    sink = run->kernels->read(run->from + begin * SOMA_PEAK_BLOCK, (end - begin) * SOMA_PEAK_BLOCK);
}

void soma_peak_read(const float *from, long count) {
    peak_run run = {.kernels = &soma_level_current()->peaks, .from = from};
    soma_parallel_for(count / SOMA_PEAK_BLOCK, 1, read_blocks, &run);
}

static void write_blocks(long begin, long end, int part, void *context) {
    (void)part;
    const peak_run *run = context;
    run->kernels->write(run->to + begin * SOMA_PEAK_BLOCK, (end - begin) * SOMA_PEAK_BLOCK);
}

void soma_peak_write(float *to, long count) {
    peak_run run = {.kernels = &soma_level_current()->peaks, .to = to};
    soma_parallel_for(count / SOMA_PEAK_BLOCK, 1, write_blocks, &run);
}

static void copy_blocks(long begin, long end, int part, void *context) {
    (void)part;
    const peak_run *run = context;
    long first = begin * SOMA_PEAK_BLOCK;
    run->kernels->copy(run->to + first, run->from + first, (end - begin) * SOMA_PEAK_BLOCK);
}

void soma_peak_copy(float *to, const float *from, long count) {
    peak_run run = {.kernels = &soma_level_current()->peaks, .to = to, .from = from};
    soma_parallel_for(count / SOMA_PEAK_BLOCK, 1, copy_blocks, &run);
}

static void do_nothing(long begin, long end, int part, void *context) { (void)begin, (void)end, (void)part, (void)context; }

void soma_peak_wake(void) { soma_parallel_for(soma_team_size(), 1, do_nothing, 0); }
