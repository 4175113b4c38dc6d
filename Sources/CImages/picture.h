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

/// Walks over all chunks of a PNG file up to IEND and finds those whose checksum is right. Returns 0, or -1 where one is longer than the file or
/// the end is missing.
int soma_png_walk(const uint8_t *bytes, size_t size, picture_metadata *found);
