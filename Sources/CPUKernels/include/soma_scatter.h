#pragma once
#include <stdint.h>

/// target[index[j]][i] += updates[j][i] for each j in turn and i from `begin` to below `end`, of rows that are `stride` floats apart. An index outside
/// 0 ..< extent is passed over.
void soma_scatter_add(float *target, const float *updates, const int32_t *indices, long count, long extent, long stride, long begin, long end);
