// The chunks of a PNG file: four bytes of length, four of type, the content, four of checksum. They are walked before libpng is asked, so that no length is
// taken on the file's word, and for the chunks beside the pixels that are wanted: eXIf, and texts with Exif data or XMP.
#include <string.h>
#include <zlib.h>

#include "picture.h"

enum { SIGNATURE = 8, FRAME = 12 };

static uint32_t number(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/// The checksum is of type and content.
static int is_whole(const uint8_t *chunk, uint32_t length) {
    return crc32(crc32(0, Z_NULL, 0), chunk + 4, (uInt)length + 4) == number(chunk + 8 + length);
}

static int is_text(const uint8_t *type) { return memcmp(type, "tEXt", 4) == 0 || memcmp(type, "zTXt", 4) == 0 || memcmp(type, "iTXt", 4) == 0; }

int soma_png_walk(const uint8_t *bytes, size_t size, png_metadata *found) {
    if (found) *found = (png_metadata){};
    for (size_t at = SIGNATURE; size >= FRAME && at <= size - FRAME;) {
        const uint8_t *chunk = bytes + at;
        uint32_t length = number(chunk);
        if (length > size - at - FRAME) return -1;
        if (memcmp(chunk + 4, "IEND", 4) == 0) return 0;
        if (found && memcmp(chunk + 4, "eXIf", 4) == 0 && is_whole(chunk, length)) {
            found->exif = chunk + 8;
            found->exif_size = length;
        } else if (found && is_text(chunk + 4) && is_whole(chunk, length)) {
            soma_note_png_text(chunk, length, found);
        }
        at += FRAME + length;
    }
    return -1;
}
