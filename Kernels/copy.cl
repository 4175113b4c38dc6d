// A block copied from or to a place that is read from memory when the kernel runs.
//
//     start[a] = clamp(starts[a], 0, limit[a])
//     slice read:     y[i₀, i₁, …] = x[start + i]          slice written:   y[start + i] = x[i]
//
//     ┌───────────────┐
//     │   ┌─────┐     │   the moving side begins Σ start[a]·start_stride[a] elements later
//     │   │block│     │
//     │   └─────┘     │
//     └───────────────┘
//
// Launch: one dimension, one work-item for each element of the block.

#ifndef TYPE
#define TYPE float  // the type of an element
#endif
#ifndef MOVES_SOURCE
#define MOVES_SOURCE 1  // 1 where a slice is read, 0 where a slice is written
#endif

kernel void soma_block_copy(
    //@ parameters
) {
    const soma_index item = (soma_index)get_global_id(0);
    if (item >= count) return;
    //@ coordinates
    soma_index start = 0;
    //@ starts
#if MOVES_SOURCE
    x += start;
#else
    y += start;
#endif
    //@ elements
}
