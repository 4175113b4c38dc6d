// The chunks of a PNG file: four bytes of length, four of type, the content, four of checksum. They are walked before libpng is asked, so that no length is
// taken on the file's word, and for the chunks beside the pixels that are wanted: eXIf, and iTXt with XMP.
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

/// The packet of XMP that an international text may be, which is not compressed.
static void note_text(const uint8_t *content, size_t length, picture_metadata *found) {
    // The keyword, then whether and how the text is compressed, language and translated keyword, each with a zero behind it.
    static const char keyword[] = "XML:com.adobe.xmp";
    size_t at = sizeof keyword + 2;
    if (length < at || memcmp(content, keyword, sizeof keyword) != 0 || content[sizeof keyword] != 0) return;
    for (int zeros = 0; zeros < 2; at++) {
        if (at >= length) return;
        if (content[at] == 0) zeros++;
    }
    found->xmp = content + at;
    found->xmp_size = length - at;
}

int soma_png_walk(const uint8_t *bytes, size_t size, picture_metadata *found) {
    *found = (picture_metadata){};
    for (size_t at = SIGNATURE; size >= FRAME && at <= size - FRAME;) {
        const uint8_t *chunk = bytes + at;
        uint32_t length = number(chunk);
        if (length > size - at - FRAME) return -1;
        if (memcmp(chunk + 4, "IEND", 4) == 0) return 0;
        if (memcmp(chunk + 4, "eXIf", 4) == 0 && is_whole(chunk, length)) {
            found->exif = chunk + 8;
            found->exif_size = length;
        } else if (memcmp(chunk + 4, "iTXt", 4) == 0 && is_whole(chunk, length)) {
            note_text(chunk + 8, length, found);
        }
        at += FRAME + length;
    }
    return -1;
}

uint32_t soma_png_orientation(const uint8_t *bytes, size_t size) {
    picture_metadata found;
    return soma_png_walk(bytes, size, &found) == 0 ? soma_orientation(&found) : 1;
}
