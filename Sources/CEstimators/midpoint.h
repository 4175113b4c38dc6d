#pragma once
#include <math.h>

/// The greatest float that is not above the middle of a < b: a ≤ it < b, and it parts the same floats as the middle itself does.
static inline float soma_midpoint(float a, float b) {
    double middle = a / 2.0 + b / 2.0;
    float result = (float)middle;
    return (double)result > middle ? nextafterf(result, -INFINITY) : result;
}
