// One tag of the Exif data of a picture: how the camera was held. Nothing of the file is believed before it is looked at.
#include <string.h>

#include "picture.h"

enum { ORIENTATION = 0x0112, SHORT = 3, ENTRY_SIZE = 12 };

static uint32_t number(const uint8_t *bytes, int count, int is_little) {
    uint32_t value = 0;
    for (int i = 0; i < count; i++) value = value << 8 | bytes[is_little ? count - 1 - i : i];
    return value;
}

uint32_t soma_tiff_orientation(const uint8_t *bytes, size_t size) {
    // Some writers put the mark of a JPEG file's segment before it.
    while (size >= 6 && memcmp(bytes, "Exif\0", 6) == 0) {
        bytes += 6;
        size -= 6;
    }
    if (size < 8) return 1;
    int is_little = memcmp(bytes, "II", 2) == 0;
    if ((!is_little && memcmp(bytes, "MM", 2) != 0) || number(bytes + 2, 2, is_little) != 42) return 1;
    size_t at = number(bytes + 4, 4, is_little);
    if (at > size - 2) return 1;
    uint32_t count = number(bytes + at, 2, is_little);
    at += 2;
    for (uint32_t i = 0; i < count && size - at >= ENTRY_SIZE; i++, at += ENTRY_SIZE) {
        const uint8_t *entry = bytes + at;
        if (number(entry, 2, is_little) != ORIENTATION) continue;
        uint32_t value = number(entry + 8, 2, is_little);
        int is_one_short = number(entry + 2, 2, is_little) == SHORT && number(entry + 4, 4, is_little) == 1;
        return is_one_short && value >= 1 && value <= 8 ? value : 1;
    }
    return 1;
}

uint32_t soma_jpeg_orientation(const uint8_t *bytes, size_t size) {
    size_t at = 2;  // behind the marker that begins the file
    while (size >= 4 && at <= size - 4 && bytes[at] == 0xFF) {
        uint8_t marker = bytes[at + 1];
        if (marker == 0xFF) {  // fill
            at++;
            continue;
        }
        if (marker == 0xDA || marker == 0xD9) break;  // the pixels, the end
        size_t length = number(bytes + at + 2, 2, 0);
        if (length < 2 || length > size - at - 2) break;
        const uint8_t *content = bytes + at + 4;
        if (marker == 0xE1 && length >= 8 && memcmp(content, "Exif\0", 6) == 0) return soma_tiff_orientation(content + 6, length - 8);
        at += 2 + length;
    }
    return 1;
}
