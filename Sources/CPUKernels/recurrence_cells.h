/// The cells of recurrent layers, a vector of units at a time; compiled once per level.
#pragma once
#include "recurrence.h"
#include "vector_math.h"

INLINE vfloat get_units(const float *from, long count) { return count >= SOMA_LANES ? load(from) : load_part(from, count); }
INLINE void put_units(float *to, vfloat value, long count) {
    if (count >= SOMA_LANES) { store(to, value); } else { store_part(to, value, count); }
}

static void recurrence_cell_run(soma_cell kind, const recurrence_cell *cell) {
    for (long j = 0; j < cell->count; j += SOMA_LANES) {
        const long n = cell->count - j, units = cell->units, apart = cell->product_stride;
        const float *gx = cell->gx + j, *products = cell->products + j;
        if (kind == soma_cell_lstm) {
            vfloat i = v_sigmoid(get_units(gx, n) + load(products));
            vfloat f = v_sigmoid(get_units(gx + units, n) + load(products + apart));
            vfloat g = v_tanh(get_units(gx + 2 * units, n) + load(products + 2 * apart));
            vfloat o = v_sigmoid(get_units(gx + 3 * units, n) + load(products + 3 * apart));
            vfloat c = f * get_units(cell->c + j, n) + i * g;
            put_units(cell->next_c + j, c, n);
            put_units(cell->next_h + j, o * v_tanh(c), n);
            if (cell->gates != NULL) {
                put_units(cell->gates + j, i, n);
                put_units(cell->gates + units + j, f, n);
                put_units(cell->gates + 2 * units + j, g, n);
                put_units(cell->gates + 3 * units + j, o, n);
            }
        } else if (kind == soma_cell_gru) {
            vfloat added[3];
            for (int gate = 0; gate < 3; gate++) {
                added[gate] = load(products + gate * apart);
                if (cell->bias != NULL) { added[gate] += get_units(cell->bias + gate * units + j, n); }
            }
            vfloat r = v_sigmoid(get_units(gx, n) + added[0]), z = v_sigmoid(get_units(gx + units, n) + added[1]);
            vfloat value = v_tanh(get_units(gx + 2 * units, n) + r * added[2]);
            put_units(cell->next_h + j, value + z * (get_units(cell->h + j, n) - value), n);
            if (cell->gates != NULL) {
                put_units(cell->gates + j, r, n);
                put_units(cell->gates + units + j, z, n);
                put_units(cell->gates + 2 * units + j, value, n);
            }
            if (cell->inner != NULL) { put_units(cell->inner + j, added[2], n); }
        } else {
            vfloat sum = get_units(gx, n) + load(products);
            // A NaN stays.
            put_units(cell->next_h + j, kind == soma_cell_tanh ? v_tanh(sum) : sum <= 0 ? splat(0.0f) : sum, n);
        }
    }
}

static void recurrence_cell_gradient_run(soma_cell kind, const recurrence_cell_gradient *cell) {
    for (long j = 0; j < cell->count; j += SOMA_LANES) {
        const long n = cell->count - j, units = cell->units;
        const vfloat dh = get_units(cell->dh + j, n);
        if (kind == soma_cell_lstm) {
            vfloat i = get_units(cell->gates + j, n), f = get_units(cell->gates + units + j, n), g = get_units(cell->gates + 2 * units + j, n);
            vfloat o = get_units(cell->gates + 3 * units + j, n), squashed = v_tanh(get_units(cell->inner + j, n));
            vfloat dc = get_units(cell->dc + j, n) + dh * o * (1.0f - squashed * squashed);
            put_units(cell->dgx + j, dc * g * (i * (1.0f - i)), n);
            put_units(cell->dgx + units + j, dc * get_units(cell->previous_c + j, n) * (f * (1.0f - f)), n);
            put_units(cell->dgx + 2 * units + j, dc * i * (1.0f - g * g), n);
            put_units(cell->dgx + 3 * units + j, dh * squashed * (o * (1.0f - o)), n);
            put_units(cell->dc + j, dc * f, n);
            put_units(cell->dh + j, splat(0.0f), n);
        } else if (kind == soma_cell_gru) {
            vfloat r = get_units(cell->gates + j, n), z = get_units(cell->gates + units + j, n), value = get_units(cell->gates + 2 * units + j, n);
            vfloat inner = get_units(cell->inner + j, n);
            vfloat dn = dh * (1.0f - z) * (1.0f - value * value);
            vfloat dz = dh * (get_units(cell->previous_h + j, n) - value) * (z * (1.0f - z)), dr = dn * inner * (r * (1.0f - r));
            put_units(cell->dgx + j, dr, n);
            put_units(cell->dgx + units + j, dz, n);
            put_units(cell->dgx + 2 * units + j, dn, n);
            put_units(cell->products + j, dr, n);
            put_units(cell->products + units + j, dz, n);
            put_units(cell->products + 2 * units + j, dn * r, n);
            put_units(cell->dh + j, dh * z, n);
        } else {
            vfloat h = get_units(cell->h + j, n);
            put_units(cell->dgx + j, kind == soma_cell_tanh ? dh * (1.0f - h * h) : h > 0 ? dh : splat(0.0f), n);
            put_units(cell->dh + j, splat(0.0f), n);
        }
    }
}
