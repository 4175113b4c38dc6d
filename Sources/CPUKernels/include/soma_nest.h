#pragma once
#include "soma_chains.h"
#include "soma_loops.h"
#include "soma_reductions.h"
#include <stdbool.h>
#include <stdint.h>

/// A fused loop nest, flat and ready to run.
///
/// It runs over *lines*, one after the other or on several threads, and along each line over *blocks* of elements, short enough for
/// the first-level cache. Every instruction is one loop over a block. A value is an address: of a register, which is a block in
/// the thread's scratch memory; of memory that an operand reads or writes in place; or of a single element.
///
/// In a nest **by rows** a block is a piece of the inner domain, and reductions combine the elements of blocks. In one **by columns**
/// a block is a piece of the last outer extent, the inner domain is walked step by step, and reductions combine whole blocks.

typedef enum soma_reach {
    SOMA_REACH_SINGLE,         ///< One element for a whole block.
    SOMA_REACH_DIRECT,         ///< A block's elements are adjacent: used where they lie.
    SOMA_REACH_STRIDED,        ///< At a constant distance: copied to or from a register.
    SOMA_REACH_WINDING,        ///< Along several inner extents: copied to or from a register.
    SOMA_REACH_PERIODIC,       ///< By rows: winding, but the same in every block; copied to a register before the first.
    SOMA_REACH_TILED,          ///< By columns: the same for every step that a block takes at once; copied to a register, so often.
} soma_reach;

/// Memory that is read or written, or (`is_index`) the position itself as int32 or int64. Its element at a position is number
/// `offset + Σ line·line_strides + Σ inner·inner_strides + block·stride` of the buffer.
typedef struct soma_operand {
    int slot;                  ///< Its place among the buffers.
    int runtime_offset;        ///< Place of a further offset, or -1.
    int value;                 ///< The value whose address it sets.
    soma_reach reach;
    soma_type type;
    bool is_store, is_index;
    bool is_moving;            ///< By columns: the walk over the inner domain moves it.
    uint32_t walks;            ///< By columns: the walks that need it, one bit each.
    long offset;
    long stride;               ///< From one element of a block to the next.
    const long *line_strides;  ///< One for each line extent.
    const long *inner_strides; ///< One for each inner extent.
} soma_operand;

/// When an instruction runs. By columns the inner domain may be walked several times; a later walk sees the reductions of the
/// earlier ones, and computes again what else it needs of them.
enum {
    SOMA_PHASE_LINE = 0,       ///< Once for a line, before its elements.
    SOMA_PHASE_BLOCK = 1,      ///< For every block; by columns, at every step of a walk: 1 + 2·walk.
    SOMA_PHASE_AFTER = 2,      ///< Once for a line, when the walk's reductions are complete: 2 + 2·walk.
};

/// One instruction: a loop; a chain, where `chain_count` is not 0; or a reduction, which takes value `a`, or what its chain makes, and
/// gives a single `out` (by columns: a block).
typedef struct soma_instruction {
    soma_loop loop;
    int out, a, b, c;
    int phase;
    bool is_single;            ///< Runs on one element and not on a block.
    int reduction;             ///< Its place among the reductions, or -1.
    int chain, chain_count;    ///< Its first step and how many there are.
} soma_instruction;

typedef struct soma_nest {
    bool by_columns;
    int line_rank, inner_rank;
    const long *line_extents, *inner_extents;
    long line_count, inner_count;
    long width;                ///< Elements a block runs along: the inner count, or the last outer extent.
    long block;                ///< Elements of a block.
    int walk_count;            ///< By columns.
    long fold;                 ///< By columns: how many steps of the walk lie side by side and are taken at once; a block is so many times as wide.
    bool whole_lines;          ///< By rows: a block is a line, and instructions run in order, whatever their phase.

    int operand_count, uniform_count, instruction_count, reduction_count, value_count;
    const soma_operand *operands;
    const soma_instruction *uniforms;      ///< Run once on single elements, before everything.
    const soma_instruction *instructions;
    const soma_reduction *reductions;
    const soma_chain_step *steps;          ///< Of all chains.
    const long *value_places;  ///< Offset of a value in the scratch memory, or -1.
    const int *scalar_values;  ///< For each scalar that is used: its value, its place among the bound scalars.
    int scalar_count;
    long scratch_bytes;
    long reduction_place;      ///< By columns: offset of the reductions' registers, `soma_nest_reduction_bytes` in all.
    bool has_after;            ///< Some instruction runs after the reductions.
    long grain;                ///< The fewest elements that a thread is woken for.
} soma_nest;

/// What a nest's slots stand for in one run.
typedef struct soma_bindings {
    char *const *buffers;
    const uint64_t *scalars;
    const long *offsets;
} soma_bindings;

/// By columns: the fewest columns of a block, but for the last.
#define SOMA_NARROWEST_BLOCK 64

/// Scratch memory that the reductions of a nest by columns take.
long soma_nest_reduction_bytes(long block, int reduction_count);

/// By columns: into how many pieces the walk of a nest with reductions is cut, by its extents and `grain` alone; threads share these, too.
long soma_nest_pieces(const soma_nest *nest);

/// Whether `soma_nest_run_span` can run a nest over spans that begin at multiples of `unit` elements.
bool soma_nest_takes_spans(const soma_nest *nest, long unit);

/// Runs a map over elements [first, end) of all, numbered row-major, in the calling thread. False where scratch memory cannot be had.
bool soma_nest_run_span(const soma_nest *nest, const soma_bindings *bindings, long first, long end);

/// Runs the nest on the team. False where scratch memory cannot be had.
bool soma_nest_run(const soma_nest *nest, const soma_bindings *bindings);
