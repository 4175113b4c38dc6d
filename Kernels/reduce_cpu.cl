// Reductions and rows on a CPU-like device: what reduce.cl and row.cl compute, as loops that a compiler can make vectors of.
//
// Two kernels, each launched with work-groups of one work-item:
//
// along: a work-item serves `block` outer positions, one after the other. It walks the inner domain as rows × columns (columns being the
// last axis) and keeps LANES partial results, one for each column modulo LANES, which it combines at the end in a fixed order. The row of a
// `row` step stays in the first-level cache between walks.
//     Launch: (outer positions / block, segments of the inner domain).
//
//     columns   0 1 2 3 … 15 │ 16 17 … 31 │ 32 …        lane = column mod 16
//
// across: a work-item serves PLACES neighbours along the last outer axis at once; for column sums.
//     Launch: (outer columns / PLACES, outer rows, segments of the inner domain).
//
//     places    0 1 2 3 … 63         each a sum of its own, going down the inner domain
//               ↓ ↓ ↓ ↓   ↓
//
// With several segments the results go to a workspace [reduction, segment, position]; a second launch adds them up.
//
// Long chains of float additions lose accuracy: an element that is added to a sum of n of its like is rounded to n of its ulps. So where
// a lane meets more than CHAIN elements, it adds so many up by themselves (`c`) before it adds them to its sum (`t`), and segments are
// no longer than CHAIN² elements a lane: then no chain anywhere is much longer than CHAIN.

#ifndef LANES
#define LANES 16  // partial results of one position; 64 where columns are many, which makes longer loops
#endif
#ifndef PLACES
#define PLACES 64  // neighbouring positions of a work-item
#endif
#ifndef CHAIN
#define CHAIN 64  // elements that a lane adds up by themselves
#endif

//@ section along
kernel void soma_reduce(
    //@ parameters
) {
    const soma_index first_position = (soma_index)get_global_id(0) * block;
    const soma_index last_position = SOMA_MIN(first_position + block, positions);
    const int row_part = get_global_id(1) / column_parts, column_part = get_global_id(1) % column_parts;
    const soma_index first_row = row_part * row_segment, last_row = SOMA_MIN(first_row + row_segment, rows);
    const soma_index first = column_part * column_segment, last = SOMA_MIN(first + column_segment, columns);
    //@ uniforms
    for (soma_index outer = first_position; outer < last_position; outer++) {
        //@ coordinates
        //@ stages
        //@ stores
    }
}

//@ section walk
for (soma_index row = first_row; row < last_row; row++) {
    //@ coordinates
    soma_index start = first;
    for (; start + LANES <= last; start += LANES) {
        SOMA_VECTORIZE
        for (int lane = 0; lane < LANES; lane++) {
            const soma_index column = start + lane;
            //@ elements
        }
    }
    for (int lane = 0; start + lane < last; lane++) {
        const soma_index column = start + lane;
        //@ elements
    }
}

//@ section chains
{
    int done = 0;
    for (soma_index row = first_row; row < last_row; row++) {
        //@ coordinates
        for (soma_index start = first, stop; start < last; start = stop) {
            stop = start + SOMA_MIN(CHAIN * LANES, last - start);
            done += (int)((stop - start + LANES - 1) / LANES);
            for (; start + LANES <= stop; start += LANES) {
                SOMA_VECTORIZE
                for (int lane = 0; lane < LANES; lane++) {
                    const soma_index column = start + lane;
                    //@ elements
                }
            }
            for (int lane = 0; start + lane < stop; lane++) {
                const soma_index column = start + lane;
                //@ elements
            }
            if (done < CHAIN) { continue; }  // short rows share a chain
            done = 0;
            for (int lane = 0; lane < LANES; lane++) {
                //@ fold
            }
        }
    }
    for (int lane = 0; lane < LANES; lane++) {
        //@ fold
    }
}

//@ section tree
for (int distance = LANES / 2; distance > 0; distance /= 2) {
    for (int lane = 0; lane < distance; lane++) {
        const int other = lane + distance;
        //@ combine
    }
}
//@ read

//@ section across
kernel void soma_reduce(
    //@ parameters
) {
    const soma_index first_place = (soma_index)get_global_id(0) * PLACES, outer_row = (soma_index)get_global_id(1);
    const int places = (int)SOMA_MIN(PLACES, outer_columns - first_place);
    const soma_index first = (soma_index)get_global_id(2) * segment, last = SOMA_MIN(first + segment, inner_count);
    //@ uniforms
    //@ coordinates
    //@ locals
    //@ walk
    for (int lane = 0; lane < places; lane++) {
        const soma_index outer_column = first_place + lane;
        //@ stores
    }
}

//@ section walk across
for (soma_index i = first; i < last; i++) {
    //@ inner
    SOMA_VECTORIZE
    for (int lane = 0; lane < places; lane++) {
        const soma_index outer_column = first_place + lane;
        //@ elements
    }
}

//@ section chains across
for (soma_index i = first, stop; i < last;) {
    for (stop = i + SOMA_MIN(CHAIN, last - i); i < stop; i++) {
        //@ inner
        SOMA_VECTORIZE
        for (int lane = 0; lane < places; lane++) {
            const soma_index outer_column = first_place + lane;
            //@ elements
        }
    }
    for (int lane = 0; lane < places; lane++) {
        //@ fold
    }
}
