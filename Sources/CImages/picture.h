// What the decoders share.
#pragma once
#include "CImages.h"

/// Writes to `reason` that a picture is too large, and returns whether it is.
int soma_is_too_large(uint32_t width, uint32_t height, soma_picture_limits limits, char reason[SOMA_PICTURE_REASON_SIZE]);

/// The orientation in the first directory of a TIFF file, which Exif data is; 1 without one or with a broken one.
uint32_t soma_tiff_orientation(const uint8_t *bytes, size_t size);

/// What is found between the beginning and the end of a PNG file.
typedef struct {
    const uint8_t *exif;  // the content of the last eXIf chunk whose checksum is right; NULL without one
    uint32_t exif_size;
} png_walk;

/// Walks over all chunks up to IEND. Returns 0, or -1 where one is longer than the file or the end is missing.
int soma_png_walk(const uint8_t *bytes, size_t size, png_walk *walk);
