/// Chains in the vectors of one level.
#pragma once

#include "include/soma_chains.h"
#include "loops_float.h"

/// Vectors that the accumulator is wide: as many as leave registers for a reduction of the same width and for arguments.
enum { chain_width = SOMA_LANES == 16 ? 8 : 4, chain_elements = chain_width * SOMA_LANES };

/// A step with the addresses of its arguments.
typedef struct placed_step {
    soma_chain_step_kind kind;
    float *y;
    const float *z;
    soma_loop loop;
} placed_step;

#define EACH UNROLLED for (int k = 0; k < chain_width; k++)

/// How many lanes of vector k hold elements, where only `count` are left for all of them.
INLINE long lanes_left(int k, long count) {
    long left = count - k * SOMA_LANES;
    return left < 0 ? 0 : left < SOMA_LANES ? left : SOMA_LANES;
}

/// Vector k of an argument: whole, or zero beyond the last of `count` elements.
INLINE vfloat fetch(const float *from, int k, long count, bool is_whole) {
    long lanes = is_whole ? SOMA_LANES : lanes_left(k, count);
    return lanes == SOMA_LANES ? load(from + k * SOMA_LANES) : lanes == 0 ? splat(0) : load_part(from + k * SOMA_LANES, lanes);
}

INLINE void put(float *to, vfloat x, int k, long count, bool is_whole) {
    long lanes = is_whole ? SOMA_LANES : lanes_left(k, count);
    if (lanes == SOMA_LANES) { store(to + k * SOMA_LANES, x); } else if (lanes > 0) { store_part(to + k * SOMA_LANES, x, lanes); }
}

/// x in the lanes that hold elements, `rest` in the others.
INLINE vfloat kept(vfloat x, vfloat rest, int k, long count, bool is_whole) {
    if (is_whole) { return x; }
    long used = lanes_left(k, count);
    if (used == SOMA_LANES) { return x; }
    float lanes[SOMA_LANES];
    store(lanes, rest);
    store_part(lanes, x, used);
    return load(lanes);
}

// Of vectors or of numbers; NaN if either is.
#define GREATER(x, y) ((((x) > (y)) | ((x) != (x))) ? (x) : (y))
#define LESSER(x, y) ((((x) < (y)) | ((x) != (x))) ? (x) : (y))

#define Y fetch(y, k, count, is_whole)
#define Z fetch(z, k, count, is_whole)

/// A step whose argument is a vector, and the same with a single one.
#define STEP(KIND, result) \
    case KIND: \
        EACH { \
            vfloat b = Y; \
            x[k] = result; \
        } \
        break; \
    case KIND##_S: { \
        vfloat b = splat(*steps[s].y); \
        EACH { x[k] = result; } \
        break; \
    }

/// All steps for the `count` elements (a full accumulator's, if `is_whole`) from `first` on; reductions go into `totals`.
INLINE void run_steps(const placed_step *steps, int step_count, long first, long count, vfloat *totals, const bool is_whole) {
    vfloat x[chain_width] = {0};
    for (int s = 0; s < step_count; s++) {
        float *y = steps[s].y + first;
        const float *z = steps[s].z + first;
        switch (steps[s].kind) {
        case SOMA_CHAIN_LOAD: EACH { x[k] = Y; } break;
        case SOMA_CHAIN_STORE: EACH { put(y, x[k], k, count, is_whole); } break;
        case SOMA_CHAIN_STREAM:
            if (is_whole) { EACH { __builtin_nontemporal_store(x[k], (vfloat *)(y + k * SOMA_LANES)); } } else { EACH { put(y, x[k], k, count, false); } }
            break;
        case SOMA_CHAIN_SQUARE: EACH { x[k] = x[k] * x[k]; } break;
        case SOMA_CHAIN_NEGATE: EACH { x[k] = v_negate(x[k]); } break;
        case SOMA_CHAIN_SQRT: EACH { x[k] = __builtin_elementwise_sqrt(x[k]); } break;
        case SOMA_CHAIN_RSQRT: EACH { x[k] = 1.0f / __builtin_elementwise_sqrt(x[k]); } break;
        case SOMA_CHAIN_RECIPROCAL: EACH { x[k] = 1.0f / x[k]; } break;
        case SOMA_CHAIN_EXP: EACH { x[k] = v_exp(x[k]); } break;
        case SOMA_CHAIN_TANH: EACH { x[k] = v_tanh(x[k]); } break;
        case SOMA_CHAIN_LOOP: {
            float elements[chain_elements];
            EACH { store(elements + k * SOMA_LANES, x[k]); }
            steps[s].loop(chain_elements, elements, elements, NULL, NULL);
            EACH { x[k] = load(elements + k * SOMA_LANES); }
            break;
        }
        STEP(SOMA_CHAIN_ADD, x[k] + b)
        STEP(SOMA_CHAIN_SUBTRACT, x[k] - b)
        STEP(SOMA_CHAIN_SUBTRACT_FROM, b - x[k])
        STEP(SOMA_CHAIN_MULTIPLY, x[k] * b)
        STEP(SOMA_CHAIN_DIVIDE, x[k] / b)
        STEP(SOMA_CHAIN_DIVIDE_INTO, b / x[k])
        STEP(SOMA_CHAIN_MAXIMUM, GREATER(x[k], b))
        STEP(SOMA_CHAIN_MINIMUM, LESSER(x[k], b))
        case SOMA_CHAIN_SCALE_ADD: EACH { x[k] = x[k] * Y + Z; } break;
        case SOMA_CHAIN_SCALE_ADD_Y: EACH { x[k] = x[k] * *steps[s].y + Z; } break;
        case SOMA_CHAIN_SCALE_ADD_Z: EACH { x[k] = x[k] * Y + *steps[s].z; } break;
        case SOMA_CHAIN_SCALE_ADD_YZ: EACH { x[k] = x[k] * *steps[s].y + *steps[s].z; } break;
        case SOMA_CHAIN_ADD_PRODUCT: EACH { x[k] = Y * Z + x[k]; } break;
        case SOMA_CHAIN_ADD_PRODUCT_Z: EACH { x[k] = Y * *steps[s].z + x[k]; } break;
        case SOMA_CHAIN_SUM: EACH { totals[k] += kept(x[k], splat(0), k, count, is_whole); } break;
        case SOMA_CHAIN_MAX: EACH { vfloat b = kept(x[k], totals[k], k, count, is_whole); totals[k] = GREATER(b, totals[k]); } break;
        case SOMA_CHAIN_MIN: EACH { vfloat b = kept(x[k], totals[k], k, count, is_whole); totals[k] = LESSER(b, totals[k]); } break;
        }
    }
}

/// Joins the lanes as a tree.
#define JOIN(expression) \
    UNROLLED for (int width = chain_width / 2; width > 0; width /= 2) { \
        UNROLLED for (int k = 0; k < width; k++) { \
            vfloat a = totals[k], b = totals[k + width]; \
            totals[k] = expression; \
        } \
    } \
    float lanes[SOMA_LANES]; \
    store(lanes, totals[0]); \
    UNROLLED for (int width = SOMA_LANES / 2; width > 0; width /= 2) { \
        UNROLLED for (int k = 0; k < width; k++) { \
            float a = lanes[k], b = lanes[k + width]; \
            lanes[k] = expression; \
        } \
    }

/// Adds what a chain has reduced to the state.
INLINE void join_totals(soma_chain_step_kind kind, vfloat *totals, soma_state *state) {
    if (kind == SOMA_CHAIN_SUM) {
        JOIN(a + b)
        state->real += (double)lanes[0];
    } else if (kind == SOMA_CHAIN_MAX) {
        JOIN(GREATER(a, b))
        state->real = (double)lanes[0];
    } else if (kind == SOMA_CHAIN_MIN) {
        JOIN(LESSER(a, b))
        state->real = (double)lanes[0];
    }
}

static void run_chain(const soma_chain_step *steps, int step_count, long count, char *const *values, soma_state *state) {
    placed_step placed[SOMA_CHAIN_LIMIT];
    for (int s = 0; s < step_count; s++) {
        const soma_chain_step *step = &steps[s];
        placed[s] = (placed_step){
            .kind = step->kind, .y = step->y < 0 ? NULL : (float *)values[step->y], .z = step->z < 0 ? NULL : (float *)values[step->z], .loop = step->loop};
        // What goes past the caches goes in whole vectors' places.
        if (step->kind == SOMA_CHAIN_STREAM && (uintptr_t)placed[s].y % sizeof(vfloat) != 0) { placed[s].kind = SOMA_CHAIN_STORE; }
    }
    soma_chain_step_kind last = steps[step_count - 1].kind;
    vfloat totals[chain_width];
    vfloat start = splat(last == SOMA_CHAIN_MAX || last == SOMA_CHAIN_MIN ? (float)state->real : 0.0f);
    EACH { totals[k] = start; }
    long i = 0;
    for (; i + chain_elements <= count; i += chain_elements) { run_steps(placed, step_count, i, chain_elements, totals, true); }
    if (i < count) { run_steps(placed, step_count, i, count - i, totals, false); }
    join_totals(last, totals, state);
}

#undef EACH
#undef Y
#undef Z
#undef STEP
#undef JOIN
#undef GREATER
#undef LESSER
