// libjpeg reports an error by calling a function that must not return. Ours jumps, and the jump never leaves this file:
// everything it must not lose lives in `decoder`.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "picture.h"

typedef struct {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    soma_picture_limits limits;
    uint8_t *row;     // decoded, of four channels
    uint8_t *pixels;  // the result
    char *reason;
} decoder;

/// Each scan of a progressive picture is a pass over all of it, and a file of a few bytes can ask for thousands.
enum { MOST_SCANS = 100 };

static decoder *decoder_of(j_common_ptr jpeg) { return jpeg->client_data; }

[[noreturn]] static void fail(decoder *d, const char *reason) {
    if (reason != d->reason) snprintf(d->reason, SOMA_PICTURE_REASON_SIZE, "%s", reason);
    longjmp(d->jump, 1);
}

[[noreturn]] static void on_error(j_common_ptr jpeg) {
    char message[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, message);
    fail(decoder_of(jpeg), message);
}

/// Of what libjpeg calls warnings these mean that pixels are missing or wrong.
static void on_message(j_common_ptr jpeg, int level) {
    if (level >= 0) return;
    int code = jpeg->err->msg_code;
    if (code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_ARITH_BAD_CODE || code == JWRN_MUST_RESYNC)
        on_error(jpeg);
}

static void on_progress(j_common_ptr jpeg) {
    if (jpeg->is_decompressor && ((j_decompress_ptr)jpeg)->input_scan_number > MOST_SCANS)
        fail(decoder_of(jpeg), "it has more than 100 scans");
}

static void start_source(j_decompress_ptr jpeg) { (void)jpeg; }

static boolean refill(j_decompress_ptr jpeg) { fail(jpeg->client_data, "truncated"); }

static void skip(j_decompress_ptr jpeg, long count) {
    if (count <= 0) return;
    if ((size_t)count > jpeg->src->bytes_in_buffer) fail(jpeg->client_data, "truncated");
    jpeg->src->next_input_byte += count;
    jpeg->src->bytes_in_buffer -= (size_t)count;
}

static void set_up(decoder *d, const uint8_t *bytes, size_t size) {
    d->jpeg.err = jpeg_std_error(&d->errors);
    d->errors.error_exit = on_error;
    d->errors.emit_message = on_message;
    d->jpeg.client_data = d;
    jpeg_create_decompress(&d->jpeg);
    d->source = (struct jpeg_source_mgr){
        .next_input_byte = bytes, .bytes_in_buffer = size, .init_source = start_source, .fill_input_buffer = refill,
        .skip_input_data = skip, .resync_to_restart = jpeg_resync_to_restart, .term_source = start_source,
    };
    d->jpeg.src = &d->source;
    d->progress.progress_monitor = on_progress;
    d->jpeg.progress = &d->progress;
}

static void read_header(decoder *d, size_t size) {
    jpeg_read_header(&d->jpeg, TRUE);
    if (soma_is_too_large(d->jpeg.image_width, d->jpeg.image_height, d->limits, d->reason)) fail(d, d->reason);
    // A block of 8×8 pixels takes a bit at least, its mean. Arithmetic coding can do with less.
    uint64_t blocks = (uint64_t)(d->jpeg.image_width / 8) * (d->jpeg.image_height / 8);
    if (!d->jpeg.arith_code && blocks / 8 > size) fail(d, "it promises more pixels than it can hold");
}

static J_COLOR_SPACE colours(decoder *d, int wants_grey) {
    switch (d->jpeg.jpeg_color_space) {
        case JCS_GRAYSCALE: return JCS_GRAYSCALE;
        case JCS_YCbCr: return wants_grey ? JCS_GRAYSCALE : JCS_RGB;
        case JCS_RGB: return JCS_RGB;
        case JCS_CMYK:
        case JCS_YCCK: return JCS_CMYK;
        default: fail(d, "its colours are of no known kind");
    }
}

/// Ink as Photoshop writes it counts from 255, none, to 0.
static void lift_ink(const uint8_t *cmyk, uint8_t *rgb, uint32_t width, int is_inverted) {
    uint32_t flip = is_inverted ? 0 : 255;
    for (uint32_t x = 0; x < width; x++, cmyk += 4, rgb += 3)
        for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(((cmyk[c] ^ flip) * (cmyk[3] ^ flip) + 127) / 255);
}

static void read_pixels(decoder *d, uint32_t eighths, int wants_grey, soma_picture *out) {
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    jpeg->out_color_space = colours(d, wants_grey);
    jpeg->scale_num = eighths;
    jpeg->scale_denom = 8;
    jpeg_start_decompress(jpeg);
    int is_ink = jpeg->out_color_space == JCS_CMYK;
    out->width = jpeg->output_width;
    out->height = jpeg->output_height;
    out->channels = jpeg->out_color_space == JCS_GRAYSCALE ? 1 : 3;
    size_t row_bytes = (size_t)out->width * out->channels;
    d->pixels = malloc(row_bytes * out->height);
    if (is_ink) d->row = malloc((size_t)out->width * 4);
    if (!d->pixels || (is_ink && !d->row)) fail(d, "no memory");
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *target = d->pixels + jpeg->output_scanline * row_bytes;
        uint8_t *row = is_ink ? d->row : target;
        jpeg_read_scanlines(jpeg, &row, 1);
        if (is_ink) lift_ink(d->row, target, out->width, jpeg->saw_Adobe_marker);
    }
}

static int run(decoder *d, const uint8_t *bytes, size_t size, uint32_t eighths, int wants_grey, soma_picture *out) {
    volatile int result = -1;
    if (setjmp(d->jump) == 0) {
        set_up(d, bytes, size);
        read_header(d, size);
        if (eighths > 0) read_pixels(d, eighths, wants_grey, out);
        result = 0;
    }
    jpeg_destroy_decompress(&d->jpeg);
    return result;
}

int soma_jpeg_size(const uint8_t *bytes, size_t size, soma_picture_limits limits, uint32_t *width, uint32_t *height,
                   char reason[SOMA_PICTURE_REASON_SIZE]) {
    decoder d = {.limits = limits, .reason = reason};
    int result = run(&d, bytes, size, 0, 0, NULL);
    *width = d.jpeg.image_width;
    *height = d.jpeg.image_height;
    return result;
}

int soma_jpeg_decode(const uint8_t *bytes, size_t size, soma_picture_limits limits, uint32_t eighths, int wants_grey,
                     soma_picture *picture, char reason[SOMA_PICTURE_REASON_SIZE]) {
    decoder d = {.limits = limits, .reason = reason};
    int result = run(&d, bytes, size, eighths, wants_grey, picture);
    free(d.row);
    if (result == 0) picture->pixels = d.pixels;
    else free(d.pixels);
    return result;
}
