// A fused chain of elementwise operations: one expression for each position of a domain.
//
//     y[p] = f(x₀[p₀], x₁[p₁], …)      pₐ = offsetₐ + Σ iᵢ·strideₐᵢ
//
// Indexing: a work-item owns WIDTH neighbours along the last axis. Its number is the position, counted in groups of WIDTH; the
// coordinates are its digits to the base of the extents, taken by multiplications (SOMA_QUOTIENT). It owns SHARE such groups, as far apart as
// there are work-items.
// Launch: one dimension, one work-item for each SHARE groups of WIDTH positions, rounded up to whole work-groups.
//
//     extents [2, 8], WIDTH 4          work-items
//         ┌───────────────┬───────────────┐
//     row │ 0 0 0 0       │ 1 1 1 1       │
//         │ 2 2 2 2       │ 3 3 3 3       │
//         └───────────────┴───────────────┘

#ifndef WIDTH
#define WIDTH 4  // positions of a work-item: 4 makes 128-bit accesses, 1 where strides or alignment refuse that
#endif
#ifndef SHARE
#define SHARE 1  // groups of WIDTH positions that a work-item owns
#endif

kernel void soma_map(
    //@ parameters
) {
    soma_index item = (soma_index)get_global_id(0);
    //@ uniforms
    for (int turn = 0; turn < SHARE; turn++, item += (soma_index)get_global_size(0)) {
        if (item >= count) return;
        //@ coordinates
        //@ elements
    }
}
