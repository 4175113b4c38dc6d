#pragma once

// Arithmetic of extents and counts, which are not negative.
static inline long smaller(long x, long y) { return x < y ? x : y; }
static inline long larger(long x, long y) { return x > y ? x : y; }
static inline long ceiling(long value, long divisor) { return (value + divisor - 1) / divisor; }
