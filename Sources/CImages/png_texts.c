// Texts of a PNG file in which programs keep Exif data and XMP, read as Pillow reads them: tEXt, zTXt and iTXt of PNG 1.2, section 4.2.3. The last
// text of a keyword counts. Texts are noted where they lie and unpacked once all chunks are known, so that many of them cost no more than one.
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "picture.h"

/// The most bytes that a packed text may unpack to, as for Pillow: a longer one is none.
enum { MOST_UNPACKED = 1 << 20 };

/// Bytes behind the first `count` zeros of a text; NULL where there are fewer.
static const uint8_t *behind_zeros(const uint8_t *bytes, const uint8_t *end, int count) {
    for (; count > 0 && bytes < end; bytes++)
        if (*bytes == 0) count--;
    return count == 0 ? bytes : NULL;
}

void soma_note_png_text(const uint8_t *chunk, size_t length, png_metadata *found) {
    static const char profile[] = "Raw profile type exif", xmp[] = "XML:com.adobe.xmp", plain[] = "exif";
    const uint8_t *content = chunk + 8, *end = content + length, *text = behind_zeros(content, end, 1);
    if (!text) return;
    size_t key = (size_t)(text - content);  // with the zero behind it
    int is_exif = key == sizeof plain && memcmp(content, plain, key) == 0 && memcmp(chunk + 4, "tEXt", 4) == 0;
    if (is_exif) {
        found->exif = text;
        found->exif_size = (size_t)(end - text);
        return;
    }
    text_chunk *target = key == sizeof profile && memcmp(content, profile, key) == 0 ? &found->profile
                       : key == sizeof xmp && memcmp(content, xmp, key) == 0       ? &found->xmp
                                                                                   : NULL;
    if (!target) return;
    int is_packed = 0;
    if (memcmp(chunk + 4, "zTXt", 4) == 0) {
        // The method of compression, of which there is one.
        if (end - text < 1 || text[0] != 0) return;
        is_packed = 1;
        text++;
    } else if (memcmp(chunk + 4, "iTXt", 4) == 0) {
        // Whether and how the text is packed, then language and translated keyword, each with a zero behind it.
        if (end - text < 2 || (text[0] != 0 && text[1] != 0)) return;
        is_packed = text[0] != 0;
        text = behind_zeros(text + 2, end, 2);
        if (!text) return;
    }
    *target = (text_chunk){.bytes = text, .size = (size_t)(end - text), .is_packed = is_packed};
}

/// What a packed text says, in memory that is the caller's; NULL where it is damaged or too long. Data that ends early says what there is of it.
static uint8_t *unpacked(const text_chunk *text, size_t *size) {
    uint8_t *bytes = malloc(MOST_UNPACKED);
    z_stream stream = {.next_in = (Bytef *)text->bytes, .avail_in = (uInt)text->size, .next_out = bytes, .avail_out = MOST_UNPACKED};
    if (!bytes || inflateInit(&stream) != Z_OK) {
        free(bytes);
        return NULL;
    }
    int result = inflate(&stream, Z_SYNC_FLUSH);
    *size = MOST_UNPACKED - stream.avail_out;
    int is_too_long = result != Z_STREAM_END && stream.avail_out == 0;
    inflateEnd(&stream);
    if ((result == Z_STREAM_END || result == Z_OK || result == Z_BUF_ERROR) && !is_too_long) return bytes;
    free(bytes);
    return NULL;
}

static int digit(uint8_t byte) {
    if (byte >= '0' && byte <= '9') return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static int is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/// The bytes that a profile writes as hexadecimal digits behind three lines: an empty one, its name and its length. In memory that is the caller's;
/// NULL where anything else is among them.
static uint8_t *bytes_of_profile(const uint8_t *text, size_t size, size_t *count) {
    size_t at = 0;
    for (int lines = 0; lines < 3 && at < size; at++)
        if (text[at] == '\n') lines++;
    uint8_t *bytes = malloc((size - at) / 2 + 1);
    *count = 0;
    while (bytes && at < size) {
        if (is_space(text[at])) {
            at++;
            continue;
        }
        int high = digit(text[at]), low = at + 1 < size ? digit(text[at + 1]) : -1;
        if (high < 0 || low < 0) {
            free(bytes);
            *count = 0;
            return NULL;
        }
        bytes[(*count)++] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    return bytes;
}

/// A text as it is, or unpacked into `*owned`.
static const uint8_t *content(const text_chunk *text, size_t *size, uint8_t **owned) {
    *size = text->size;
    if (!text->is_packed) return text->bytes;
    *owned = unpacked(text, size);
    if (!*owned) *size = 0;
    return *owned;
}

uint32_t soma_png_orientation(const uint8_t *bytes, size_t size) {
    png_metadata found;
    if (soma_png_walk(bytes, size, &found) != 0) return 1;
    picture_metadata metadata = {.exif = found.exif, .exif_size = found.exif_size};
    uint8_t *profile = NULL, *exif = NULL, *xmp = NULL;
    if (!metadata.exif && found.profile.bytes) {
        size_t count;
        const uint8_t *text = content(&found.profile, &count, &profile);
        if (text) exif = bytes_of_profile(text, count, &metadata.exif_size);
        metadata.exif = exif;
    }
    if (found.xmp.bytes) metadata.xmp = content(&found.xmp, &metadata.xmp_size, &xmp);
    uint32_t orientation = soma_orientation(&metadata);
    free(profile);
    free(exif);
    free(xmp);
    return orientation;
}
