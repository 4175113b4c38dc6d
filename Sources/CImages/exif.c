// One tag of the Exif data of a picture, or of its XMP packet: how the camera was held. Nothing of the file is believed before it is looked at.
#include <string.h>

#include "picture.h"

enum { ORIENTATION = 0x0112, SHORT = 3, ENTRY_SIZE = 12 };

static uint32_t number(const uint8_t *bytes, int count, int is_little) {
    uint32_t value = 0;
    for (int i = 0; i < count; i++) value = value << 8 | bytes[is_little ? count - 1 - i : i];
    return value;
}

/// The tag in the first directory of a TIFF file, which Exif data is; 0 without one, 1 for a broken one.
static uint32_t orientation_of_tiff(const uint8_t *bytes, size_t size) {
    // Some writers put the mark of a JPEG file's segment before it.
    while (size >= 6 && memcmp(bytes, "Exif\0", 6) == 0) {
        bytes += 6;
        size -= 6;
    }
    if (size < 8) return 0;
    int is_little = memcmp(bytes, "II", 2) == 0;
    if ((!is_little && memcmp(bytes, "MM", 2) != 0) || number(bytes + 2, 2, is_little) != 42) return 0;
    size_t at = number(bytes + 4, 4, is_little);
    if (at > size - 2) return 0;
    uint32_t count = number(bytes + at, 2, is_little);
    at += 2;
    for (uint32_t i = 0; i < count && size - at >= ENTRY_SIZE; i++, at += ENTRY_SIZE) {
        const uint8_t *entry = bytes + at;
        if (number(entry, 2, is_little) != ORIENTATION) continue;
        uint32_t value = number(entry + 8, 2, is_little);
        int is_one_short = number(entry + 2, 2, is_little) == SHORT && number(entry + 4, 4, is_little) == 1;
        return is_one_short && value >= 1 && value <= 8 ? value : 1;
    }
    return 0;
}

/// The tag as an attribute or an element of XMP, as Pillow looks for it; 0 without one.
static uint32_t orientation_of_xmp(const uint8_t *bytes, size_t size) {
    static const char name[] = "tiff:Orientation";
    enum { LENGTH = sizeof name - 1 };
    for (size_t at = 0; size >= LENGTH + 3 && at <= size - LENGTH - 3; at++) {
        if (memcmp(bytes + at, name, LENGTH) != 0) continue;
        const uint8_t *rest = bytes + at + LENGTH;
        int is_attribute = rest[0] == '=' && rest[1] == '"';
        if (!is_attribute && rest[0] != '>') continue;
        uint8_t digit = rest[is_attribute ? 2 : 1];
        if (digit >= '0' && digit <= '9') return digit >= '1' && digit <= '8' ? digit - (uint32_t)'0' : 1;
    }
    return 0;
}

uint32_t soma_orientation(const picture_metadata *metadata) {
    uint32_t exif = orientation_of_tiff(metadata->exif, metadata->exif_size);
    uint32_t orientation = exif ? exif : orientation_of_xmp(metadata->xmp, metadata->xmp_size);
    return orientation ? orientation : 1;
}

uint32_t soma_jpeg_orientation(const uint8_t *bytes, size_t size) {
    static const char exif[] = "Exif\0", xmp[] = "http://ns.adobe.com/xap/1.0/";
    picture_metadata metadata = {};
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
        size_t count = length - 2;
        if (marker == 0xE1 && !metadata.exif && count >= sizeof exif && memcmp(content, exif, sizeof exif) == 0) {
            metadata.exif = content + sizeof exif;
            metadata.exif_size = count - sizeof exif;
        } else if (marker == 0xE1 && count >= sizeof xmp && memcmp(content, xmp, sizeof xmp) == 0) {
            metadata.xmp = content + sizeof xmp;
            metadata.xmp_size = count - sizeof xmp;
        }
        at += 2 + length;
    }
    return soma_orientation(&metadata);
}
