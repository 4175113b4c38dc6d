// What the decoders share.
#pragma once
#include "CImages.h"

/// Writes to `reason` that a picture is too large, and returns whether it is.
int soma_is_too_large(uint32_t width, uint32_t height, soma_picture_limits limits, char reason[SOMA_PICTURE_REASON_SIZE]);

/// What a file says of its picture beside the pixels, by where it lies in the file; NULL for what is not there.
typedef struct {
    const uint8_t *exif, *xmp;
    size_t exif_size, xmp_size;
} picture_metadata;

/// The tag Orientation, 1 to 8: that of the Exif data, else that of the XMP packet, else 1.
uint32_t soma_orientation(const picture_metadata *metadata);

/// A text of a PNG file by where it lies, behind its keyword; no bytes where there is none.
typedef struct {
    const uint8_t *bytes;
    size_t size;
    int is_packed;
} text_chunk;

/// What a PNG file says beside its pixels: Exif data, the same as a profile in hexadecimal digits, and a packet of XMP.
typedef struct {
    const uint8_t *exif;
    size_t exif_size;
    text_chunk profile, xmp;
} png_metadata;

/// Walks over all chunks of a PNG file up to IEND and finds those whose checksum is right; a `found` of NULL looks for none. Returns 0, or -1 where
/// one is longer than the file or the end is missing.
int soma_png_walk(const uint8_t *bytes, size_t size, png_metadata *found);

/// Notes a chunk tEXt, zTXt or iTXt of `length` bytes, where its keyword is one of those that are wanted.
void soma_note_png_text(const uint8_t *chunk, size_t length, png_metadata *found);
