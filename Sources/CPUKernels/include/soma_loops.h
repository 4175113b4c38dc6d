#pragma once

/// The elementwise loops: each computes `count` elements from up to three arguments. An argument is a vector of `count` elements
/// or a single one that serves all of them. The result may be written over an argument.

typedef void (*soma_loop)(long count, void *out, const void *a, const void *b, const void *c);

typedef enum soma_type { SOMA_FLOAT32, SOMA_INT32, SOMA_UINT32, SOMA_INT64, SOMA_UINT8, SOMA_BOOL, SOMA_TYPES } soma_type;

/// Bytes of an element.
static inline int soma_type_size(soma_type type) { return type == SOMA_INT64 ? 8 : type == SOMA_UINT8 || type == SOMA_BOOL ? 1 : 4; }

typedef enum soma_unary {
    SOMA_NEGATE, SOMA_ABS, SOMA_SIGN, SOMA_EXP, SOMA_EXPM1, SOMA_LOG, SOMA_LOG1P, SOMA_LOG2, SOMA_LOG10, SOMA_SQRT, SOMA_RSQRT, SOMA_RECIPROCAL,
    SOMA_SIN, SOMA_COS, SOMA_TANH, SOMA_SIGMOID, SOMA_ERF, SOMA_FLOOR, SOMA_CEIL, SOMA_ROUND, SOMA_NOT, SOMA_UNARIES
} soma_unary;

typedef enum soma_binary {
    SOMA_ADD, SOMA_SUBTRACT, SOMA_MULTIPLY, SOMA_DIVIDE, SOMA_POWER, SOMA_MINIMUM, SOMA_MAXIMUM, SOMA_REMAINDER,
    SOMA_EQUAL, SOMA_NOT_EQUAL, SOMA_LESS, SOMA_LESS_OR_EQUAL, SOMA_GREATER, SOMA_GREATER_OR_EQUAL,
    SOMA_AND, SOMA_OR, SOMA_XOR, SOMA_SHIFT_LEFT, SOMA_SHIFT_RIGHT, SOMA_BINARIES
} soma_binary;

/// Which arguments are single elements. What is missing in a table is done by `soma_loop_splat` first.
typedef enum soma_form { SOMA_ALL_VECTORS = 0, SOMA_A_SINGLE = 1, SOMA_B_SINGLE = 2, SOMA_C_SINGLE = 4, SOMA_FORMS = 8 } soma_form;

// Each returns null where the function is not defined for the type, or not compiled in that form.

soma_loop soma_loop_unary(soma_unary function, soma_type type);
soma_loop soma_loop_binary(soma_binary function, soma_type type, soma_form form);
/// a·b + c in float32. Compiled with any of b and c single.
soma_loop soma_loop_multiply_add(soma_form form);
/// a ? b : c, where a is a vector of bool and b and c have elements of that type.
soma_loop soma_loop_select(soma_type type, soma_form form);
soma_loop soma_loop_cast(soma_type from, soma_type to);
/// `count` copies of the single a.
soma_loop soma_loop_splat(soma_type type);
soma_loop soma_loop_copy(soma_type type);
/// As copy, past the caches: for results larger than they are.
soma_loop soma_loop_stream(soma_type type);

/// Word number a[i] of Philox-4x32-10, as uint32, a being int32 or int64. b points to the key's two words and the counter.
soma_loop soma_loop_random(soma_type index);
