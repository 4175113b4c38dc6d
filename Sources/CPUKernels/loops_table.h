/// The table of a level's elementwise loops.
#pragma once

#include "loops_float.h"
#include "loops_integer.h"
#include "loops_random.h"

#define FLOAT_UNARY(FUNCTION, name) [FUNCTION] = {[SOMA_FLOAT32] = float_##name}
#define SIGNED_UNARY(FUNCTION, name) \
    [FUNCTION] = {[SOMA_FLOAT32] = float_##name, [SOMA_INT32] = int32_t_##name, [SOMA_UINT32] = uint32_t_##name, \
                  [SOMA_INT64] = int64_t_##name, [SOMA_UINT8] = uint8_t_##name}

// A float function has three forms, one of whole numbers takes vectors only.
#define FLOAT_FORMS(name) {[SOMA_ALL_VECTORS] = float_##name, [SOMA_A_SINGLE] = float_##name##_a, [SOMA_B_SINGLE] = float_##name##_b}
#define INTEGERS(name) \
    [SOMA_INT32] = {int32_t_##name}, [SOMA_UINT32] = {uint32_t_##name}, [SOMA_INT64] = {int64_t_##name}, [SOMA_UINT8] = {uint8_t_##name}
#define REAL(FUNCTION, name) [FUNCTION] = {[SOMA_FLOAT32] = FLOAT_FORMS(name)}
#define NUMBER(FUNCTION, name) [FUNCTION] = {[SOMA_FLOAT32] = FLOAT_FORMS(name), INTEGERS(name)}
#define ANY(FUNCTION, name) [FUNCTION] = {[SOMA_FLOAT32] = FLOAT_FORMS(name), INTEGERS(name), [SOMA_BOOL] = {uint8_t_##name}}
#define BITS(FUNCTION, name) [FUNCTION] = {INTEGERS(name), [SOMA_BOOL] = {uint8_t_##name}}
#define WHOLE(FUNCTION, name) [FUNCTION] = {INTEGERS(name)}

// Low bits are the same whether a number counts as signed or not, so one loop serves both.
#define CASTS_FROM(TYPE, T) \
    [TYPE] = {[SOMA_FLOAT32] = float_from_##T, [SOMA_INT32] = int32_t_from_##T, [SOMA_UINT32] = int32_t_from_##T, \
              [SOMA_INT64] = int64_t_from_##T, [SOMA_UINT8] = uint8_t_from_##T, [SOMA_BOOL] = bool_from_##T}

#define MOVE(name) \
    {[SOMA_FLOAT32] = uint32_t_##name, [SOMA_INT32] = uint32_t_##name, [SOMA_UINT32] = uint32_t_##name, \
     [SOMA_INT64] = uint64_t_##name, [SOMA_UINT8] = uint8_t_##name, [SOMA_BOOL] = uint8_t_##name}

static const soma_loops loops = {
    .unary = {
        SIGNED_UNARY(SOMA_NEGATE, negate), SIGNED_UNARY(SOMA_ABS, abs), SIGNED_UNARY(SOMA_SIGN, sign),
        FLOAT_UNARY(SOMA_EXP, exp), FLOAT_UNARY(SOMA_EXPM1, expm1), FLOAT_UNARY(SOMA_LOG, log), FLOAT_UNARY(SOMA_LOG1P, log1p),
        FLOAT_UNARY(SOMA_LOG2, log2), FLOAT_UNARY(SOMA_LOG10, log10),
        FLOAT_UNARY(SOMA_SQRT, sqrt), FLOAT_UNARY(SOMA_RSQRT, rsqrt), FLOAT_UNARY(SOMA_RECIPROCAL, reciprocal),
        FLOAT_UNARY(SOMA_SIN, sin), FLOAT_UNARY(SOMA_COS, cos), FLOAT_UNARY(SOMA_TANH, tanh), FLOAT_UNARY(SOMA_SIGMOID, sigmoid),
        FLOAT_UNARY(SOMA_ERF, erf), FLOAT_UNARY(SOMA_FLOOR, floor), FLOAT_UNARY(SOMA_CEIL, ceil), FLOAT_UNARY(SOMA_ROUND, round),
        [SOMA_NOT] = {[SOMA_BOOL] = bool_not},
    },
    .binary = {
        NUMBER(SOMA_ADD, add), NUMBER(SOMA_SUBTRACT, subtract), NUMBER(SOMA_MULTIPLY, multiply), NUMBER(SOMA_DIVIDE, divide),
        REAL(SOMA_POWER, power), ANY(SOMA_MINIMUM, minimum), ANY(SOMA_MAXIMUM, maximum), NUMBER(SOMA_REMAINDER, remainder),
        ANY(SOMA_EQUAL, equal), ANY(SOMA_NOT_EQUAL, not_equal), ANY(SOMA_LESS, less), ANY(SOMA_LESS_OR_EQUAL, less_or_equal),
        ANY(SOMA_GREATER, greater), ANY(SOMA_GREATER_OR_EQUAL, greater_or_equal),
        BITS(SOMA_AND, and), BITS(SOMA_OR, or), BITS(SOMA_XOR, xor),
        WHOLE(SOMA_SHIFT_LEFT, shift_left), WHOLE(SOMA_SHIFT_RIGHT, shift_right),
    },
    .multiply_add = {
        [SOMA_ALL_VECTORS] = float_multiply_add, [SOMA_B_SINGLE] = float_multiply_add_b,
        [SOMA_C_SINGLE] = float_multiply_add_c, [SOMA_B_SINGLE | SOMA_C_SINGLE] = float_multiply_add_bc,
    },
    .select = {
        [SOMA_FLOAT32] = {[SOMA_ALL_VECTORS] = float_select, [SOMA_B_SINGLE] = float_select_b, [SOMA_C_SINGLE] = float_select_c,
                          [SOMA_B_SINGLE | SOMA_C_SINGLE] = float_select_bc},
        [SOMA_INT32] = {uint32_t_select}, [SOMA_UINT32] = {uint32_t_select}, [SOMA_INT64] = {uint64_t_select},
        [SOMA_UINT8] = {uint8_t_select}, [SOMA_BOOL] = {uint8_t_select},
    },
    .cast = {
        [SOMA_FLOAT32] = {[SOMA_FLOAT32] = uint32_t_copy, [SOMA_INT32] = int32_t_from_float, [SOMA_UINT32] = uint32_t_from_float,
                          [SOMA_INT64] = int64_t_from_float, [SOMA_UINT8] = uint8_t_from_float, [SOMA_BOOL] = bool_from_float},
        CASTS_FROM(SOMA_INT32, int32_t), CASTS_FROM(SOMA_UINT32, uint32_t), CASTS_FROM(SOMA_INT64, int64_t),
        CASTS_FROM(SOMA_UINT8, uint8_t), CASTS_FROM(SOMA_BOOL, uint8_t),
    },
    .splat = MOVE(splat), .copy = MOVE(copy),
    .stream = {[SOMA_FLOAT32] = float_stream, [SOMA_INT32] = float_stream, [SOMA_UINT32] = float_stream,
               [SOMA_INT64] = uint64_t_copy, [SOMA_UINT8] = uint8_t_copy, [SOMA_BOOL] = uint8_t_copy},
    .random = random_words, .random_wide = random_words_wide,
};
