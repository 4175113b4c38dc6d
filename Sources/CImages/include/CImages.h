#pragma once
#include <stddef.h>
#include <stdint.h>

/// Unpacking of gzip data in memory, one or several members (RFC 1952), through zlib.
typedef struct soma_gunzip soma_gunzip;

enum { SOMA_GUNZIP_MORE, SOMA_GUNZIP_END, SOMA_GUNZIP_TRUNCATED, SOMA_GUNZIP_BROKEN };

/// Begins to unpack `size` bytes at `bytes`, which must outlive the result; NULL where there is no memory.
soma_gunzip *soma_gunzip_begin(const uint8_t *bytes, size_t size);

/// Writes up to `capacity` unpacked bytes to `output` and their number to `written`. MORE means that `output` is full,
/// END that the last member is complete and nothing follows it.
int soma_gunzip_read(soma_gunzip *state, uint8_t *output, size_t capacity, size_t *written);

/// What is wrong with BROKEN data, in words.
const char *soma_gunzip_reason(const soma_gunzip *state);

void soma_gunzip_end(soma_gunzip *state);

/// A picture of 8 bits a channel, rows from the top, without padding.
typedef struct {
    uint32_t width, height;
    uint32_t channels;  // 1: grey, 3: red, green, blue
    uint8_t *pixels;    // soma_png_release gives them back
} soma_png;

enum { SOMA_PNG_REASON_SIZE = 160 };

/// Decodes a PNG file in memory. Palettes are looked up, 16 bits are scaled to 8, transparent pixels are laid over
/// `background`. Returns 0, or -1 and the cause in `reason`.
int soma_png_decode(const uint8_t *bytes, size_t size, uint32_t side_limit, uint8_t background, soma_png *picture,
                    char reason[SOMA_PNG_REASON_SIZE]);
void soma_png_release(soma_png *picture);

/// Encodes a picture to a PNG file in memory, which `free` gives back. Returns 0, or -1 and the cause in `reason`.
int soma_png_encode(const soma_png *picture, uint8_t **bytes, size_t *size, char reason[SOMA_PNG_REASON_SIZE]);
