// Rows taken by index, and rows added at indices.
//
//     gather:       y[o, j, i] = x[o, index[j], i]                          an index outside 0 ..< extent gives FILL
//     scatter-add:  target[o, index[j], i] += updates[o, j, i], j = 0, 1, …  an index outside is dropped
//
// The order of a scatter-add is that of j, without atomics, so that the same inputs give the same bits. First each j is linked to the next
// j with the same index and told whether it is the first of its chain; then one work-item per element of each chain's row adds up the
// whole chain:
//
//     index   7 3 7 7 3          chains  7: j 0 → 2 → 3      one work-item for each (o, chain, i)
//     j       0 1 2 3 4                  3: j 1 → 4
//
// Launch: soma_gather and soma_scatter_add: one dimension, one work-item for each (o, j, i); soma_link: one for each j.
// Linking looks at each pair of j at most once a direction: count²/2 comparisons, which a device does faster than a sort up to some
// 10⁵ indices. On a CPU-like device soma_link_serially does it in one pass with a table of `extent` heads.

#ifndef TYPE
#define TYPE float  // the type of an element
#endif
#ifndef FILL
#define FILL NAN  // what an index out of range gives
#endif
#ifndef ADD
#define ADD(a, b) ((a) + (b))  // the sum of two elements
#endif

kernel void soma_gather(
    global const TYPE *x, const long x_offset, global const int *indices, const long indices_offset, global TYPE *y, const long y_offset,
    const soma_index extent, const soma_index indices_count, const soma_index inner, const soma_index elements
) {
    const soma_index item = (soma_index)get_global_id(0);
    if (item >= elements) return;
    const soma_index i = item % inner, rest = item / inner, j = rest % indices_count, o = rest / indices_count;
    const int index = indices[indices_offset + j];
    const bool is_inside = index >= 0 && index < extent;
    y[y_offset + item] = is_inside ? x[x_offset + (o * extent + index) * inner + i] : FILL;
}

// links[j] is the next j of the chain or −1; links[indices_count + j] is 1 for the first of a chain.
kernel void soma_link(
    global const int *indices, const long indices_offset, global int *links, const soma_index extent, const soma_index indices_count
) {
    const int j = get_global_id(0);
    if (j >= indices_count) return;
    indices += indices_offset;
    const int index = indices[j];
    if (index < 0 || index >= extent) {
        links[j] = -1;
        links[indices_count + j] = 0;
        return;
    }
    int next = j + 1, previous = j - 1;
    while (next < indices_count && indices[next] != index) next++;
    while (previous >= 0 && indices[previous] != index) previous--;
    links[j] = next < indices_count ? next : -1;
    links[indices_count + j] = previous < 0;
}

#if SOMA_CPU
// The same by one work-item, from the last j to the first; `heads` holds the first j seen of each index.
kernel void soma_link_serially(
    global const int *indices, const long indices_offset, global int *links, const soma_index extent, const soma_index indices_count
) {
    global int *heads = links + 2 * (long)indices_count;
    indices += indices_offset;
    for (soma_index index = 0; index < extent; index++) heads[index] = -1;
    for (int j = (int)indices_count - 1; j >= 0; j--) {
        const int index = indices[j];
        links[j] = -1;
        links[indices_count + j] = 0;
        if (index < 0 || index >= extent) continue;
        const int next = heads[index];
        links[j] = next;
        links[indices_count + j] = 1;
        if (next >= 0) links[indices_count + next] = 0;
        heads[index] = j;
    }
}
#endif

kernel void soma_scatter_add(
    global const int *indices, const long indices_offset, global const TYPE *updates, const long updates_offset, global TYPE *target,
    const long target_offset, global const int *links, const soma_index extent, const soma_index indices_count, const soma_index inner,
    const soma_index elements
) {
    const soma_index item = (soma_index)get_global_id(0);
    if (item >= elements) return;
    const soma_index i = item % inner, rest = item / inner, j = rest % indices_count, o = rest / indices_count;
    if (!links[indices_count + j]) return;
    global TYPE *place = target + target_offset + (o * extent + indices[indices_offset + j]) * inner + i;
    TYPE sum = *place;
    for (int next = (int)j; next >= 0; next = links[next]) {
        const TYPE update = updates[updates_offset + (o * indices_count + next) * inner + i];
        sum = ADD(sum, update);
    }
    *place = sum;
}
