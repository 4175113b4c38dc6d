// What every kernel starts with: the types and helpers of the subset that can also be read as CUDA C++.
//
// The program that fills a template defines, before this text:
//   SOMA_CPU    1 where a work-item is a loop of vector instructions (a CPU posing as an OpenCL device), else 0
//   SOMA_WIDE   1 where positions need 64 bits, else 0
//   SOMA_FMA    1 where a multiplication and an addition that are rounded once are an instruction, else 0

#if SOMA_WIDE
typedef long soma_index;
#else
typedef int soma_index;
#endif

#define SOMA_MIN(a, b) ((a) < (b) ? (a) : (b))
#define SOMA_MAX(a, b) ((a) > (b) ? (a) : (b))

// The quotient of a position and an extent. An extent d travels with shift = ⌈log₂ d⌉ and multiplier = ⌊2³²(2^shift − d)/d⌋ + 1,
// which makes the division one multiplication for positions below 2³¹ (Granlund and Montgomery 1994).
#define SOMA_INT_QUOTIENT(x, multiplier, shift) ((int)((mul_hi((uint)(x), multiplier) + (uint)(x)) >> (shift)))
#if SOMA_WIDE
#define SOMA_QUOTIENT(x, extent, multiplier, shift) ((x) / (extent))
#else
#define SOMA_QUOTIENT(x, extent, multiplier, shift) SOMA_INT_QUOTIENT(x, multiplier, shift)
#endif

#define SOMA_FLOAT4(a, b, c, d) ((float4)(a, b, c, d))

// Four neighbours at once: 128 bits of float or int. `pointer + i` must be a multiple of four elements.
#define SOMA_LOAD4(type, pointer, i) (*(global const type##4 *)((pointer) + (i)))
#define SOMA_STORE4(type, pointer, i, a, b, c, d) (*(global type##4 *)((pointer) + (i)) = (type##4)(a, b, c, d))

// Stands before a loop whose iterations do not depend on each other, so that a CPU's compiler may make vectors of it.
#if SOMA_CPU
#define SOMA_VECTORIZE _Pragma("clang loop vectorize(assume_safety) interleave(enable)")
#else
#define SOMA_VECTORIZE
#endif
