#pragma once
#include "levels.h"
#include "soma_matmul.h"

/// How one product is cut.
typedef struct soma_matmul_plan {
    soma_matmul product;       ///< What to compute; if `swapped`, the transposed product, C' = B' A'.
    bool swapped;              ///< The operands have changed places.
    bool packs_a, packs_b;     ///< Copy the left operand's rows, the right operand's panels, before use.
    int row_parts, column_parts;  ///< The grid of threads over C.
    long depth_block;          ///< Steps of the depth that are done in one go.
    long row_block;            ///< Rows whose copy stays in the second-level cache.
    long column_block;         ///< Columns whose panels are held at once.
} soma_matmul_plan;

/// Chooses the cut from the shape, the level and the number of threads alone.
soma_matmul_plan soma_matmul_plan_for(const soma_matmul *product, const soma_level *level, int threads);

/// The same product read as C' = B' A'.
soma_matmul soma_matmul_exchanged(const soma_matmul *product);
