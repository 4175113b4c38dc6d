// A fused chain of elementwise operations on a CPU-like device: the same as map.cl, as loops that a compiler can make vectors of.
//
// Indexing: the domain is rows × columns, columns being the last axis. A work-item owns a block of both.
// Launch: two dimensions (blocks of columns, blocks of rows), work-groups of one work-item.
//
//              column_block
//             ┌──────┬──────┬────┐
//   row_block │ 0, 0 │ 1, 0 │2, 0│
//             ├──────┼──────┼────┤
//             │ 0, 1 │ 1, 1 │2, 1│
//             └──────┴──────┴────┘

kernel void soma_map(
    //@ parameters
) {
    const soma_index first = (soma_index)get_global_id(0) * column_block;
    const soma_index last = SOMA_MIN(first + column_block, columns);
    const soma_index first_row = (soma_index)get_global_id(1) * row_block;
    const soma_index last_row = SOMA_MIN(first_row + row_block, rows);
    //@ uniforms
    for (soma_index row = first_row; row < last_row; row++) {
        //@ coordinates
        SOMA_VECTORIZE
        for (soma_index column = first; column < last; column++) {
            //@ elements
        }
    }
}
