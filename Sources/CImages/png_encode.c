#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CImages.h"

typedef struct {
    uint8_t *bytes;
    size_t size, capacity;
    char *reason;
} encoder;

static void write_bytes(png_structp png, png_bytep input, size_t count) {
    encoder *e = png_get_io_ptr(png);
    if (count > e->capacity - e->size) {
        size_t capacity = 2 * e->capacity + count + 4096;
        uint8_t *bytes = realloc(e->bytes, capacity);
        if (!bytes) png_error(png, "no memory");
        e->bytes = bytes;
        e->capacity = capacity;
    }
    memcpy(e->bytes + e->size, input, count);
    e->size += count;
}

static void flush(png_structp png) { (void)png; }

static void on_error(png_structp png, png_const_charp message) {
    encoder *e = png_get_error_ptr(png);
    snprintf(e->reason, SOMA_PICTURE_REASON_SIZE, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void encode(png_structp png, png_infop info, encoder *e, const soma_picture *picture) {
    int colour = picture->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB;
    png_set_write_fn(png, e, write_bytes, flush);
    png_set_IHDR(png, info, picture->width, picture->height, 8, colour, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    size_t row_bytes = (size_t)picture->width * picture->channels;
    for (uint32_t y = 0; y < picture->height; y++) png_write_row(png, picture->pixels + y * row_bytes);
    png_write_end(png, info);
}

int soma_png_encode(const soma_picture *picture, uint8_t **bytes, size_t *size, char reason[SOMA_PICTURE_REASON_SIZE]) {
    encoder *e = calloc(1, sizeof *e);
    png_structp png = e ? png_create_write_struct(PNG_LIBPNG_VER_STRING, e, on_error, on_warning) : NULL;
    png_infop info = png ? png_create_info_struct(png) : NULL;
    snprintf(reason, SOMA_PICTURE_REASON_SIZE, "no memory");
    volatile int result = -1;
    if (info) {
        e->reason = reason;
        if (setjmp(png_jmpbuf(png)) == 0) {
            encode(png, info, e, picture);
            *bytes = e->bytes;
            *size = e->size;
            result = 0;
        } else {
            free(e->bytes);
        }
    }
    png_destroy_write_struct(png ? &png : NULL, info ? &info : NULL);
    free(e);
    return result;
}
