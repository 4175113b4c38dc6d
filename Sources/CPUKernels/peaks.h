#pragma once

/// What measuring a processor's limits needs of an instruction set level.
typedef struct soma_peak_kernels {
    double operations;         ///< Of one round of `multiply_adds`.
    float (*multiply_adds)(long rounds, float seed);
    /// The sum of `count` floats, a multiple of sixteen vectors.
    float (*read)(const float *from, long count);
    void (*write)(float *to, long count);
    void (*copy)(float *to, const float *from, long count);
} soma_peak_kernels;
