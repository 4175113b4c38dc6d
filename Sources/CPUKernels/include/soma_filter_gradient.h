#pragma once
#include "libraries_onednn_convolution.h"
#include <stdbool.h>

/// The gradient of a convolution's filter (pass 2), ready to run on the team. It is cut into parts by its shape alone, each of which one thread
/// computes, so that its bits do not depend on the number of threads.
typedef struct soma_filter_gradient soma_filter_gradient;

/// Null where memory cannot be had.
/// - Parameter wants_onednn: whether parts are left to oneDNN where it has a kernel for them; else the project's own serves.
soma_filter_gradient *soma_filter_gradient_create(const libraries_convolution *convolution, bool wants_onednn);

bool soma_filter_gradient_uses_onednn(const soma_filter_gradient *gradient);

/// The parts it is cut into: the most threads that share it.
long soma_filter_gradient_parts(const soma_filter_gradient *gradient);

/// Computes the filter's gradient from x and that of y. False where scratch memory cannot be had.
bool soma_filter_gradient_run(const soma_filter_gradient *gradient, const float *x, const float *g, float *result);

void soma_filter_gradient_destroy(soma_filter_gradient *gradient);
