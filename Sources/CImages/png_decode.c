// libpng reports an error by a jump. It never leaves this file: everything the jump must not lose lives in `decoder`.
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picture.h"

typedef struct {
    const uint8_t *bytes;
    size_t size, position;
    soma_picture_limits limits;
    uint8_t *rows;    // decoded, with alpha: one row or, of an interlaced picture, all
    uint8_t *pixels;  // the result
    char *reason;
} decoder;

static void read_bytes(png_structp png, png_bytep output, size_t count) {
    decoder *d = png_get_io_ptr(png);
    if (count > d->size - d->position) png_error(png, "truncated");
    memcpy(output, d->bytes + d->position, count);
    d->position += count;
}

static void on_error(png_structp png, png_const_charp message) {
    decoder *d = png_get_error_ptr(png);
    if (message != d->reason) snprintf(d->reason, SOMA_PICTURE_REASON_SIZE, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void *allocate(png_structp png, size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) png_error(png, "no memory");
    return memory;
}

static void read_header(png_structp png, png_infop info, decoder *d, soma_picture *out) {
    png_set_read_fn(png, d, read_bytes);
    // Limits of libpng's own would speak first, and name no numbers.
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // Chunks that say nothing of pixels are skipped: libpng takes memory for all of a text, whatever limit it is given.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(png, info);
    out->width = png_get_image_width(png, info);
    out->height = png_get_image_height(png, info);
    if (soma_is_too_large(out->width, out->height, d->limits, d->reason)) png_error(png, d->reason);
    // Packed data that could not hold the picture even at deflate's best rate, 1032:1, is a trap for memory.
    uint64_t raw = (uint64_t)png_get_rowbytes(png, info) * out->height;
    if (raw / 1032 > d->size) png_error(png, "it promises more pixels than it can hold");
}

static void composite_row(const uint8_t *from, uint8_t *to, const soma_picture *out, int with_alpha, uint8_t background) {
    uint32_t channels = out->channels;
    if (!with_alpha) {
        memcpy(to, from, (size_t)out->width * channels);
        return;
    }
    for (uint32_t x = 0; x < out->width; x++, from += channels + 1, to += channels)
        for (uint32_t c = 0; c < channels; c++) {
            uint32_t alpha = from[channels];
            to[c] = (uint8_t)((from[c] * alpha + background * (255 - alpha) + 127) / 255);
        }
}

static void read_pixels(png_structp png, png_infop info, decoder *d, uint8_t background, soma_picture *out) {
    png_set_expand(png);
    png_set_scale_16(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    int with_alpha = (png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA) != 0;
    out->channels = png_get_channels(png, info) - (uint32_t)with_alpha;
    size_t row_bytes = png_get_rowbytes(png, info), out_bytes = (size_t)out->width * out->channels;
    size_t step = passes == 1 ? 0 : row_bytes;
    d->pixels = allocate(png, out->height, out_bytes);
    d->rows = allocate(png, passes == 1 ? 1 : out->height, row_bytes);
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < out->height; y++) {
            uint8_t *row = d->rows + y * step;
            png_read_row(png, row, NULL);
            if (pass == passes - 1) composite_row(row, d->pixels + y * out_bytes, out, with_alpha, background);
        }
    png_read_end(png, NULL);
}

static int run(decoder *d, int wants_pixels, uint8_t background, soma_picture *out) {
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, d, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    snprintf(d->reason, SOMA_PICTURE_REASON_SIZE, "no memory");
    volatile int result = -1;
    if (info && setjmp(png_jmpbuf(png)) == 0) {
        if (soma_png_walk(d->bytes, d->size, NULL) != 0) png_error(png, "truncated");
        read_header(png, info, d, out);
        if (wants_pixels) read_pixels(png, info, d, background, out);
        result = 0;
    }
    png_destroy_read_struct(png ? &png : NULL, info ? &info : NULL, NULL);
    return result;
}

int soma_png_size(const uint8_t *bytes, size_t size, soma_picture_limits limits, uint32_t *width, uint32_t *height,
                  char reason[SOMA_PICTURE_REASON_SIZE]) {
    decoder d = {.bytes = bytes, .size = size, .limits = limits, .reason = reason};
    soma_picture picture = {};
    int result = run(&d, 0, 0, &picture);
    *width = picture.width;
    *height = picture.height;
    return result;
}

int soma_png_decode(const uint8_t *bytes, size_t size, soma_picture_limits limits, uint8_t background,
                    soma_picture *picture, char reason[SOMA_PICTURE_REASON_SIZE]) {
    decoder d = {.bytes = bytes, .size = size, .limits = limits, .reason = reason};
    int result = run(&d, 1, background, picture);
    free(d.rows);
    if (result == 0) picture->pixels = d.pixels;
    else free(d.pixels);
    return result;
}
