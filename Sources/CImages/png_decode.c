// libpng reports an error by a jump. It never leaves this file: everything the jump must not lose lives in `decoder`.
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CImages.h"

typedef struct {
    const uint8_t *bytes;
    size_t size, position;
    uint8_t *rows;  // decoded, with alpha
    uint8_t **row_table;
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
    snprintf(d->reason, SOMA_PNG_REASON_SIZE, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

// A picture whose packed data could not hold it even at deflate's best rate, 1032:1, is a trap for memory.
static void check_promise(png_structp png, png_infop info, const decoder *d) {
    uint64_t raw = (uint64_t)png_get_rowbytes(png, info) * png_get_image_height(png, info);
    if (raw / 1032 > d->size) png_error(png, "it promises more pixels than it can hold");
}

static void normalise(png_structp png) {
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_interlace_handling(png);
}

static void composite(const decoder *d, size_t pixels, uint32_t channels, uint8_t background) {
    const uint8_t *from = d->rows;
    uint8_t *to = d->pixels;
    for (size_t i = 0; i < pixels; i++, from += channels + 1, to += channels)
        for (uint32_t c = 0; c < channels; c++) {
            uint32_t alpha = from[channels];
            to[c] = (uint8_t)((from[c] * alpha + background * (255 - alpha) + 127) / 255);
        }
}

static void *allocate(png_structp png, size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) png_error(png, "no memory");
    return memory;
}

static void decode(png_structp png, png_infop info, decoder *d, uint32_t side_limit, uint8_t background, soma_png *out) {
    png_set_read_fn(png, d, read_bytes);
    png_set_user_limits(png, side_limit, side_limit);
    png_set_chunk_malloc_max(png, 1 << 20);
    png_set_chunk_cache_max(png, 64);
    png_read_info(png, info);
    check_promise(png, info, d);
    normalise(png);
    png_read_update_info(png, info);

    out->width = png_get_image_width(png, info);
    out->height = png_get_image_height(png, info);
    int with_alpha = png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA;
    out->channels = png_get_channels(png, info) - (with_alpha ? 1 : 0);
    size_t row_bytes = png_get_rowbytes(png, info), pixels = (size_t)out->width * out->height;
    d->rows = allocate(png, out->height, row_bytes);
    d->row_table = allocate(png, out->height, sizeof *d->row_table);
    for (uint32_t y = 0; y < out->height; y++) d->row_table[y] = d->rows + y * row_bytes;
    png_read_image(png, d->row_table);
    png_read_end(png, NULL);

    if (with_alpha) {
        d->pixels = allocate(png, pixels, out->channels);
        composite(d, pixels, out->channels, background);
    } else {
        d->pixels = d->rows;
        d->rows = NULL;
    }
}

int soma_png_decode(const uint8_t *bytes, size_t size, uint32_t side_limit, uint8_t background, soma_png *picture,
                    char reason[SOMA_PNG_REASON_SIZE]) {
    decoder *d = calloc(1, sizeof *d);
    png_structp png = d ? png_create_read_struct(PNG_LIBPNG_VER_STRING, d, on_error, on_warning) : NULL;
    png_infop info = png ? png_create_info_struct(png) : NULL;
    snprintf(reason, SOMA_PNG_REASON_SIZE, "no memory");
    volatile int result = -1;
    if (info) {
        *d = (decoder){.bytes = bytes, .size = size, .reason = reason};
        if (setjmp(png_jmpbuf(png)) == 0) {
            decode(png, info, d, side_limit, background, picture);
            picture->pixels = d->pixels;
            result = 0;
        } else {
            free(d->pixels);
        }
        free(d->row_table);
        free(d->rows);
    }
    png_destroy_read_struct(png ? &png : NULL, info ? &info : NULL, NULL);
    free(d);
    return result;
}

void soma_png_release(soma_png *picture) {
    free(picture->pixels);
    picture->pixels = NULL;
}
