// What a device is capable of: arithmetic from registers, local memory, memory. Nothing of an engine, only its limits.
//
//     multiply_adds   x[c] ← x[c]·½ + ½ in CHAINS independent chains, which hide the latency
//     local_memory    every work-item reads a tile of local memory, neighbours beside each other
//     read, write, copy   vectors of memory; on a GPU neighbours beside each other,
//
//         items   0 1 2 3 … n 0 1 2 3 … n 0 1 …        on a processor each item its own piece  0 0 0 0 … 1 1 1 1 … n n n
//
//     nothing         a launch
//
// Launch: one dimension; for a GPU as many work-items as fill it several times over.

#ifndef NUMBER
#define NUMBER float  // what is multiplied and added: a type, or a vector where the device's registers are such
#endif
#ifndef CHAINS
#define CHAINS 16  // independent results under way
#endif
#ifndef VECTOR
#define VECTOR float4  // what a work-item reads or writes at once
#endif
#ifndef TILE
#define TILE 512  // elements of VECTOR in the tile, a power of two
#endif
#ifndef OWN_PIECES
#define OWN_PIECES 0  // 1 where each work-item has a piece of memory for itself
#endif
#ifndef SOMA_FMA
#define SOMA_FMA 1  // 1 where the device has an instruction that multiplies and adds, and rounds once
#endif
#ifndef HAS_HALF
#define HAS_HALF 0  // 1 where NUMBER is of 16 bits
#endif

#if HAS_HALF
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
// Some drivers have arithmetic in 16 bits and no functions; they make one instruction of it all the same.
#define MULTIPLY_ADD(x, y, z) ((x) * (y) + (z))
#elif SOMA_FMA
#define MULTIPLY_ADD(x, y, z) fma(x, y, z)
#else
// A device without this instruction would compute it in some hundred others.
#define MULTIPLY_ADD(x, y, z) mad(x, y, z)
#endif

kernel void soma_peak_multiply_adds(global NUMBER *sink, const float seed, const int rounds) {
    // It tends to 1: neither endless nor denormal numbers may come up.
    const NUMBER factor = (NUMBER)(seed);
    NUMBER x[CHAINS];
#pragma unroll
    for (int c = 0; c < CHAINS; c++) x[c] = factor * (NUMBER)(c + 1);
    for (int round = 0; round < rounds; round++) {
#pragma unroll
        for (int again = 0; again < 8; again++) {
#pragma unroll
            for (int c = 0; c < CHAINS; c++) x[c] = MULTIPLY_ADD(x[c], factor, factor);
        }
    }
    NUMBER sum = x[0];
#pragma unroll
    for (int c = 1; c < CHAINS; c++) sum += x[c];
    sink[get_global_id(0)] = sum;
}

kernel void soma_peak_local_memory(global VECTOR *sink, const float seed, const int rounds) {
    local VECTOR tile[TILE];
    for (int i = (int)get_local_id(0); i < TILE; i += (int)get_local_size(0)) tile[i] = (VECTOR)(seed);
    barrier(CLK_LOCAL_MEM_FENCE);
    // As many sums as hide the latency of an addition behind the reads.
    VECTOR sums[8];
#pragma unroll
    for (int c = 0; c < 8; c++) sums[c] = (VECTOR)(0.0f);
    for (int round = 0; round < rounds; round++) {
#pragma unroll
        for (int c = 0; c < 16; c++) sums[c & 7] += tile[((int)get_local_id(0) + round + c * (TILE / 16)) & (TILE - 1)];
    }
    sink[get_global_id(0)] = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

// Where a work-item begins, ends, and how far its steps are, in vectors.
#if OWN_PIECES
#define PIECE ((count + (long)get_global_size(0) - 1) / (long)get_global_size(0))
#define BEGIN ((long)get_global_id(0) * PIECE)
#define END min(BEGIN + PIECE, count)
#define STEP 1
#else
#define BEGIN ((long)get_global_id(0))
#define END count
#define STEP ((long)get_global_size(0))
#endif

kernel void soma_peak_read(global VECTOR *sink, global const VECTOR *x, global VECTOR *y, const long count) {
    VECTOR sum = (VECTOR)(0.0f);
    const long end = END;
    long i = BEGIN;
    // Four loads under way at once.
    for (; i + 3 * STEP < end; i += 4 * STEP) sum += (x[i] + x[i + STEP]) + (x[i + 2 * STEP] + x[i + 3 * STEP]);
    for (; i < end; i += STEP) sum += x[i];
    sink[get_global_id(0)] = sum;
}

kernel void soma_peak_write(global VECTOR *sink, global const VECTOR *x, global VECTOR *y, const long count) {
    const long end = END;
    for (long i = BEGIN; i < end; i += STEP) y[i] = (VECTOR)(1.0f);
}

kernel void soma_peak_copy(global VECTOR *sink, global const VECTOR *x, global VECTOR *y, const long count) {
    const long end = END;
    for (long i = BEGIN; i < end; i += STEP) y[i] = x[i];
}

kernel void soma_peak_nothing(global float *sink) {}
