#pragma once

/// Winograd's F(4×4, 3×3): a tile of 4×4 outputs is read from 6×6 inputs by 36 products instead of 144.
enum { SOMA_WINOGRAD_TILE = 4, SOMA_WINOGRAD_WINDOW = 6, SOMA_WINOGRAD_PLANES = 36 };

/// What Winograd's convolution needs of an instruction set level. Channels lie side by side.
typedef struct soma_winograd_kernels {
    /// v[plane] = Bᵀ d B for each channel. `plane` is the distance of planes; whole vectors are written.
    void (*input)(const float *const pixels[SOMA_WINOGRAD_PLANES], long channels, float *v, long plane);
    /// y = Aᵀ m A for each channel.
    void (*output)(const float *m, long plane, long channels, float *const pixels[SOMA_WINOGRAD_TILE * SOMA_WINOGRAD_TILE]);
    /// u[plane] = G g Gᵀ for up to a vector of filters, `stride` apart, whose taps are `tap` apart. A whole vector is written.
    void (*filter)(const float *g, long stride, long tap, long filters, float *u, long plane);
} soma_winograd_kernels;
