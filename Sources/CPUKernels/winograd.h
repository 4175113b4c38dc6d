#pragma once
#include <stdbool.h>

/// Winograd's F(4×4, 3×3): a tile of 4×4 outputs is read from 6×6 inputs by 36 products instead of 144.
enum { SOMA_WINOGRAD_TILE = 4, SOMA_WINOGRAD_WINDOW = 6, SOMA_WINOGRAD_PLANES = 36 };

/// How many times smaller than the largest of 6×6 inputs those of a result may be for it to come of the products. These round by some 2⁻²² of the
/// largest, so about 10 bits of such a result are right; those of alike numbers have the 22.
enum { SOMA_WINOGRAD_SPREAD = 4096 };

/// What a tile at the edge lacks: some of its results.
enum { SOMA_WINOGRAD_CUT_ROWS = 1, SOMA_WINOGRAD_CUT_COLUMNS = 2 };

/// Bounds of sums of squares, within which a tile needs no closer look.
typedef struct soma_winograd_trust {
    float least, most;   ///< Of a whole tile: squares neither vanish nor overflow, and no product does.
    float spread;        ///< Of a whole tile, in those of any pixel of its middle.
} soma_winograd_trust;

/// What Winograd's convolution needs of an instruction set level. Channels lie side by side.
typedef struct soma_winograd_kernels {
    /// v[plane] = Bᵀ d B for each channel. `plane` is the distance of planes; whole vectors are written.
    /// - Parameter cut: whether the tile has fewer than four rows or columns of results.
    /// - Returns: whether the tile is within the bounds. Each result sees one of the four pixels in the middle.
    bool (*input)(
        const float *const pixels[SOMA_WINOGRAD_PLANES], long channels, const soma_winograd_trust *trust, unsigned cut, float *v, long plane);
    /// The largest magnitude of each pixel, infinite where one is not finite.
    /// - Returns: whether any is above 0; without one they are not written.
    bool (*magnitudes)(const float *const pixels[SOMA_WINOGRAD_PLANES], long channels, float *magnitudes);
    /// y = Aᵀ m A for each channel.
    void (*output)(const float *m, long plane, long channels, float *const pixels[SOMA_WINOGRAD_TILE * SOMA_WINOGRAD_TILE]);
    /// u[plane] = G g Gᵀ for up to a vector of filters, `stride` apart, whose taps are `tap` apart. A whole vector is written.
    /// - Returns: the largest magnitude of a tap, infinite where one is not finite.
    float (*filter)(const float *g, long stride, long tap, long filters, float *u, long plane);
} soma_winograd_kernels;
