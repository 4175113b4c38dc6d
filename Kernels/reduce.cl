// Reductions over an inner domain at each position of an outer domain, with the elementwise operations before, between and after them.
//
//     r[p] = ⊕ᵢ f(x[p, i])      y[p] = g(r[p])      for instance a mean, a bias gradient, a softmax (row.cl)
//
// Indexing: a work-group of LANES × PLACES work-items serves PLACES outer positions, LANES work-items each. A lane walks every LANES-th
// group of WIDTH inner elements; then the lanes of a position are combined by a tree in local memory, always in the same order.
//
//     ACROSS 0: neighbours share a position          ACROSS 1: neighbours own neighbouring positions
//     (the inner axis is the contiguous one)         (the outer axis is: column sums)
//                inner →                                         outer →
//            ┌─────────────────┐                             ┌─────────────────┐
//      place │ 0 1 2 3 0 1 2 3 │ lanes                 lane  │ 0 1 2 3 4 5 6 7 │ places
//            │ 0 1 2 3 0 1 2 3 │                             │ 0 1 2 3 4 5 6 7 │
//            └─────────────────┘                             └─────────────────┘
//
// Launch: groups of LANES·PLACES work-items; first dimension: outer positions / PLACES; second: segments of the inner domain.
// With several segments the results go to a workspace [reduction, segment, position], and a second launch of the same kernel adds
// them up: a long sum uses the whole device and needs no atomics.
//
// Long chains of float additions lose accuracy, so a lane that meets more than CHAIN groups adds so many up by themselves (`c`) before
// it adds them to its sum (`a`).

#ifndef LANES
#define LANES 256  // work-items that share an outer position, a power of two
#endif
#ifndef PLACES
#define PLACES 1  // outer positions of a work-group
#endif
#ifndef ACROSS
#define ACROSS 0  // 1 where neighbours own neighbouring positions
#endif
#ifndef WIDTH
#define WIDTH 1  // neighbouring inner elements that a lane takes at once: 4 makes 128-bit loads
#endif

#ifndef CHAIN
#define CHAIN 32  // groups of inner elements that a lane adds up by themselves
#endif

#if ACROSS
#define LANE_STRIDE PLACES
#else
#define LANE_STRIDE 1
#endif

//@ section kernel
kernel __attribute__((reqd_work_group_size(LANES * PLACES, 1, 1))) void soma_reduce(
    //@ parameters
) {
    const int item = get_local_id(0);
    const int lane = item / LANE_STRIDE % LANES, place = ACROSS ? item % PLACES : item / LANES;
    const soma_index position = (soma_index)get_group_id(0) * PLACES + place;
    // Beyond the last position work-items compute it again, so that all meet at the barriers, and write nothing.
    const bool is_inside = position < positions;
    const soma_index outer = is_inside ? position : positions - 1;
    const soma_index first = (soma_index)get_group_id(1) * segment, last = SOMA_MIN(first + segment, inner_count);
    //@ locals
    //@ coordinates
    //@ uniforms
    //@ stages
    //@ stores
}

//@ section walk
for (soma_index i = first + lane * WIDTH; i < last; i += LANES * WIDTH) {
    //@ elements
}

//@ section chains
for (soma_index i = first + lane * WIDTH, stop; i < last;) {
    for (stop = i + SOMA_MIN(CHAIN * LANES * WIDTH, last - i); i < stop; i += LANES * WIDTH) {
        //@ elements
    }
    //@ fold
}

//@ section tree
//@ write
barrier(CLK_LOCAL_MEM_FENCE);
for (int distance = LANES / 2; distance > 0; distance /= 2) {
    if (lane < distance) {
        const int other = item + distance * LANE_STRIDE;
        //@ combine
    }
    barrier(CLK_LOCAL_MEM_FENCE);
}
//@ read
barrier(CLK_LOCAL_MEM_FENCE);
