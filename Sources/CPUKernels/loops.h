#pragma once
#include "include/soma_loops.h"

/// The loops of one level, by function, type and form.
typedef struct soma_loops {
    soma_loop unary[SOMA_UNARIES][SOMA_TYPES];
    soma_loop binary[SOMA_BINARIES][SOMA_TYPES][SOMA_FORMS];
    soma_loop multiply_add[SOMA_FORMS];
    soma_loop select[SOMA_TYPES][SOMA_FORMS];
    soma_loop cast[SOMA_TYPES][SOMA_TYPES];
    soma_loop splat[SOMA_TYPES], copy[SOMA_TYPES], stream[SOMA_TYPES];
    soma_loop random, random_wide;
} soma_loops;
