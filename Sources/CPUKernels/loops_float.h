/// The loops over float32, in explicit vectors: as many whole ones as there are, then a part of one.
#pragma once

#include "loops.h"
#include "vector_math.h"

enum argument { VECTOR, SINGLE, ABSENT };

/// Vector number i of an argument, or its single element in every lane.
#define AT(name, i) (name##_is == ABSENT ? splat(0) : name##_is == SINGLE ? splat(*name) : load(name + (i)))
#define AT_END(name, i) (name##_is == ABSENT ? splat(0) : name##_is == SINGLE ? splat(*name) : load_part(name + (i), count - (i)))

/// Runs `result`, an expression in x, y and z, over the elements of float arguments a, b and c; `save` writes a vector of type
/// `vector`, `save_part` the first lanes of one.
#define LOOP(name, a_kind, b_kind, c_kind, element, vector, save, save_part, result) \
    static void name(long count, void *out, const void *first, const void *second, const void *third) { \
        enum { a_is = a_kind, b_is = b_kind, c_is = c_kind }; \
        const float *a = first, *b = second, *c = third; \
        element *to = out; \
        long i = 0; \
        for (; i + SOMA_LANES <= count; i += SOMA_LANES) { \
            vfloat x = AT(a, i), y = AT(b, i), z = AT(c, i); \
            (void)y, (void)z; \
            save(to + i, result); \
        } \
        if (i < count) { \
            vfloat x = AT_END(a, i), y = AT_END(b, i), z = AT_END(c, i); \
            (void)y, (void)z; \
            save_part(to + i, result, count - i); \
        } \
    }

#define FLOAT_LOOP(name, a, b, c, result) LOOP(name, a, b, c, float, vfloat, store, store_part, result)
#define CONDITION_LOOP(name, a, b, c, result) LOOP(name, a, b, c, uint8_t, vint, store_condition, store_condition_part, result)

#define UNARY(name, result) FLOAT_LOOP(float_##name, VECTOR, ABSENT, ABSENT, result)

UNARY(negate, v_negate(x))
UNARY(abs, magnitude(x))
UNARY(sign, v_sign(x))
UNARY(exp, v_exp(x))
UNARY(expm1, v_expm1(x))
UNARY(log, v_log(x))
UNARY(log1p, v_log1p(x))
UNARY(log2, v_log2(x))
UNARY(log10, v_log10(x))
UNARY(sqrt, __builtin_elementwise_sqrt(x))
UNARY(rsqrt, 1.0f / __builtin_elementwise_sqrt(x))
UNARY(reciprocal, 1.0f / x)
UNARY(sin, v_sin(x))
UNARY(cos, v_cos(x))
UNARY(tanh, v_tanh(x))
UNARY(sigmoid, v_sigmoid(x))
UNARY(erf, v_erf(x))
UNARY(floor, __builtin_elementwise_floor(x))
UNARY(ceil, __builtin_elementwise_ceil(x))
UNARY(round, __builtin_elementwise_roundeven(x))

#define BINARY(name, result) \
    FLOAT_LOOP(float_##name, VECTOR, VECTOR, ABSENT, result) \
    FLOAT_LOOP(float_##name##_a, SINGLE, VECTOR, ABSENT, result) \
    FLOAT_LOOP(float_##name##_b, VECTOR, SINGLE, ABSENT, result)
#define COMPARISON(name, result) \
    CONDITION_LOOP(float_##name, VECTOR, VECTOR, ABSENT, result) \
    CONDITION_LOOP(float_##name##_a, SINGLE, VECTOR, ABSENT, result) \
    CONDITION_LOOP(float_##name##_b, VECTOR, SINGLE, ABSENT, result)

BINARY(add, x + y)
BINARY(subtract, x - y)
BINARY(multiply, x * y)
BINARY(divide, x / y)
BINARY(power, v_power(x, y))
// NaN if either is: a NaN in x is caught by x != x, one in y because every comparison with it is false.
BINARY(minimum, ((x < y) | (x != x)) ? x : y)
BINARY(maximum, ((x > y) | (x != x)) ? x : y)
BINARY(remainder, v_remainder(x, y))
COMPARISON(equal, x == y)
COMPARISON(not_equal, x != y)
COMPARISON(less, x < y)
COMPARISON(less_or_equal, x <= y)
COMPARISON(greater, x > y)
COMPARISON(greater_or_equal, x >= y)

FLOAT_LOOP(float_multiply_add, VECTOR, VECTOR, VECTOR, x * y + z)
FLOAT_LOOP(float_multiply_add_b, VECTOR, SINGLE, VECTOR, x * y + z)
FLOAT_LOOP(float_multiply_add_c, VECTOR, VECTOR, SINGLE, x * y + z)
FLOAT_LOOP(float_multiply_add_bc, VECTOR, SINGLE, SINGLE, x * y + z)

/// select: the first argument is of bytes, so that the loop is a copy of the one above with another first load.
#define SELECT(name, b_kind, c_kind) \
    static void name(long count, void *out, const void *first, const void *second, const void *third) { \
        enum { b_is = b_kind, c_is = c_kind }; \
        const uint8_t *a = first; \
        const float *b = second, *c = third; \
        float *to = out; \
        long i = 0; \
        for (; i + SOMA_LANES <= count; i += SOMA_LANES) { \
            store(to + i, load_condition(a + i) ? AT(b, i) : AT(c, i)); \
        } \
        if (i < count) { store_part(to + i, load_condition_part(a + i, count - i) ? AT_END(b, i) : AT_END(c, i), count - i); } \
    }

SELECT(float_select, VECTOR, VECTOR)
SELECT(float_select_b, SINGLE, VECTOR)
SELECT(float_select_c, VECTOR, SINGLE)
SELECT(float_select_bc, SINGLE, SINGLE)

#undef LOOP
#undef UNARY
#undef BINARY
#undef COMPARISON
#undef SELECT
