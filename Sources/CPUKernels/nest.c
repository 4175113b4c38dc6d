#include "nest.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool soma_nest_run(const soma_nest *nest, const soma_bindings *bindings) {
    return nest->by_columns ? nest_run_by_columns(nest, bindings) : nest_run_by_rows(nest, bindings);
}

char *nest_scratch(long bytes) {
    static _Thread_local char *memory;
    static _Thread_local long size;
    if (size < bytes) {
        free(memory);
        long rounded = (bytes + 4095) / 4096 * 4096;
        memory = aligned_alloc(4096, (size_t)rounded);
        size = memory == NULL ? 0 : rounded;
    }
    return memory;
}

bool nest_frame_open(nest_frame *frame, const soma_nest *nest, const soma_bindings *bindings) {
    long values = nest->value_count * (long)sizeof(char *), operands = nest->operand_count * (long)sizeof(char *);
    long numbers = nest->operand_count * (long)sizeof(long), states = nest->reduction_count * (long)sizeof(soma_state);
    char *memory = nest_scratch(nest->scratch_bytes + values + operands + numbers + states);
    if (memory == NULL) { return false; }
    char *tables = memory + nest->scratch_bytes;
    *frame = (nest_frame){
        .nest = nest, .bindings = bindings, .scratch = memory,
        .values = (char **)tables, .starts = (char **)(tables + values), .first_index = (long *)(tables + values + operands),
        .states = (soma_state *)(tables + values + operands + numbers),
    };
    for (int v = 0; v < nest->value_count; v++) {
        frame->values[v] = nest->value_places[v] < 0 ? NULL : memory + nest->value_places[v];
    }
    for (int s = 0; s < nest->scalar_count; s++) {
        frame->values[nest->scalar_values[2 * s]] = (char *)&bindings->scalars[nest->scalar_values[2 * s + 1]];
    }
    nest_go_to_line(frame, 0);
    for (int i = 0; i < nest->uniform_count; i++) { nest_execute(nest, frame->values, &nest->uniforms[i], 1); }
    return true;
}

/// The positions index, index + stride, … as numbers of the operand's type.
static void number_positions(const soma_operand *operand, long index, long stride, long count, char *packed) {
    if (operand->type == SOMA_INT64) {
        int64_t *to = (int64_t *)packed;
        for (long i = 0; i < count; i++) { to[i] = index + i * stride; }
    } else {
        int32_t *to = (int32_t *)packed;
        for (long i = 0; i < count; i++) { to[i] = (int32_t)(index + i * stride); }
    }
}

void nest_go_to_line(nest_frame *frame, long line) {
    const soma_nest *nest = frame->nest;
    long coordinates[16] = {0};
    for (int axis = nest->line_rank - 1; axis >= 0; axis--) {
        coordinates[axis] = line % nest->line_extents[axis];
        line /= nest->line_extents[axis];
    }
    for (int o = 0; o < nest->operand_count; o++) {
        const soma_operand *operand = &nest->operands[o];
        long element = operand->offset;
        if (operand->runtime_offset >= 0) { element += frame->bindings->offsets[operand->runtime_offset]; }
        for (int axis = 0; axis < nest->line_rank; axis++) { element += coordinates[axis] * operand->line_strides[axis]; }
        frame->first_index[o] = element;
        frame->starts[o] = NULL;
        if (operand->is_index) {
            if (operand->reach == SOMA_REACH_SINGLE) { number_positions(operand, element, 0, 1, frame->values[operand->value]); }
            continue;
        }
        frame->starts[o] = frame->bindings->buffers[operand->slot] + element * soma_type_size(operand->type);
        if (operand->reach == SOMA_REACH_SINGLE || operand->reach == SOMA_REACH_DIRECT) { frame->values[operand->value] = frame->starts[o]; }
    }
}

#define GATHER(T) \
    static void gather_##T(T *to, const T *from, long stride, long count) { \
        for (long i = 0; i < count; i++) { to[i] = from[i * stride]; } \
    } \
    static void scatter_##T(T *to, const T *from, long stride, long count) { \
        for (long i = 0; i < count; i++) { to[i * stride] = from[i]; } \
    }
GATHER(uint8_t)
GATHER(uint32_t)
GATHER(uint64_t)

void nest_stride(const soma_operand *operand, char *start, long index, long stride, long count, char *packed) {
    int size = soma_type_size(operand->type);
    if (operand->is_index) {
        number_positions(operand, index, stride, count, packed);
    } else if (stride == 1) {
        if (operand->is_store) { memcpy(start, packed, (size_t)(count * size)); } else { memcpy(packed, start, (size_t)(count * size)); }
    } else if (operand->is_store) {
        switch (size) {
        case 1: scatter_uint8_t((uint8_t *)start, (uint8_t *)packed, stride, count); break;
        case 4: scatter_uint32_t((uint32_t *)start, (uint32_t *)packed, stride, count); break;
        default: scatter_uint64_t((uint64_t *)start, (uint64_t *)packed, stride, count);
        }
    } else {
        switch (size) {
        case 1: gather_uint8_t((uint8_t *)packed, (uint8_t *)start, stride, count); break;
        case 4: gather_uint32_t((uint32_t *)packed, (uint32_t *)start, stride, count); break;
        default: gather_uint64_t((uint64_t *)packed, (uint64_t *)start, stride, count);
        }
    }
}

void nest_wind(const nest_frame *frame, const soma_operand *operand, char *start, long index, long first, long count, char *packed) {
    const soma_nest *nest = frame->nest;
    int size = soma_type_size(operand->type), last = nest->inner_rank - 1;
    long coordinates[16], element = 0, rest = first;
    for (int axis = last; axis >= 0; axis--) {
        coordinates[axis] = rest % nest->inner_extents[axis];
        rest /= nest->inner_extents[axis];
        element += coordinates[axis] * operand->inner_strides[axis];
    }
    while (count > 0) {
        long run = nest->inner_extents[last] - coordinates[last];
        if (run > count) { run = count; }
        nest_stride(operand, start == NULL ? NULL : start + element * size, index + element, operand->inner_strides[last], run, packed);
        packed += run * size, count -= run;
        element -= coordinates[last] * operand->inner_strides[last];
        coordinates[last] = 0;
        for (int axis = last - 1; axis >= 0; axis--) {
            element += operand->inner_strides[axis];
            if (++coordinates[axis] < nest->inner_extents[axis]) { break; }
            element -= coordinates[axis] * operand->inner_strides[axis];
            coordinates[axis] = 0;
        }
    }
}
