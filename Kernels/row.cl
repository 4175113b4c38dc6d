// Several walks over one row: softmax, layer normalisation, cross-entropy, their gradients.
//
//     for instance   m = maxᵢ xᵢ      s = Σᵢ exp(xᵢ − m)      yᵢ = exp(xᵢ − m) / s
//
// As reduce.cl, but what a lane loads in the first walk it holds in registers for the others, so that the row is read once. Values in
// between are computed again in each walk.
//
// Indexing: LANES work-items share a row, PLACES rows a work-group; a lane holds HOLD groups of WIDTH elements, LANES·WIDTH apart.
// Launch: one dimension, groups of LANES·PLACES work-items, rows / PLACES groups.
//
//     LANES 4, WIDTH 2, HOLD 2:   │ 0 0 1 1 2 2 3 3 │ 0 0 1 1 2 2 3 3 │ lane
//                                 │ held[0]         │ held[1]         │
//
// Rows longer than HOLD can hold are read again in each walk, by reduce.cl.

#ifndef LANES
#define LANES 256  // work-items that share a row, a power of two
#endif
#ifndef PLACES
#define PLACES 1  // rows of a work-group
#endif
#ifndef WIDTH
#define WIDTH 4  // neighbouring elements that a lane takes at once: 4 makes 128-bit accesses
#endif
#ifndef HOLD
#define HOLD 1  // groups of WIDTH elements that a lane holds
#endif
#define LANE_STRIDE 1

//@ section kernel
kernel __attribute__((reqd_work_group_size(LANES * PLACES, 1, 1))) void soma_row(
    //@ parameters
) {
    const int item = get_local_id(0), lane = item % LANES, place = item / LANES;
    const soma_index position = (soma_index)get_group_id(0) * PLACES + place;
    // Beyond the last row work-items compute it again, so that all meet at the barriers, and write nothing.
    const bool is_inside = position < positions;
    const soma_index outer = is_inside ? position : positions - 1;
    //@ locals
    //@ coordinates
    //@ uniforms
    //@ stages
    //@ stores
}

//@ section walk
#pragma unroll
for (int h = 0; h < HOLD; h++) {
    const soma_index i = (h * LANES + lane) * WIDTH;
    if (i < inner_count) {
        //@ elements
    }
}

//@ section tree
//@ write
barrier(CLK_LOCAL_MEM_FENCE);
for (int distance = LANES / 2; distance > 0; distance /= 2) {
    if (lane < distance) {
        const int other = item + distance;
        //@ combine
    }
    barrier(CLK_LOCAL_MEM_FENCE);
}
//@ read
barrier(CLK_LOCAL_MEM_FENCE);
