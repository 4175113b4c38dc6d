#include "picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int soma_is_too_large(uint32_t width, uint32_t height, soma_picture_limits limits, char reason[SOMA_PICTURE_REASON_SIZE]) {
    char *what = "it is %" PRIu32 "×%" PRIu32 " pixels, more than ";
    int length = snprintf(reason, SOMA_PICTURE_REASON_SIZE, what, width, height);
    char *rest = reason + length;
    size_t room = SOMA_PICTURE_REASON_SIZE - (size_t)length;
    if (width > limits.side || height > limits.side) {
        snprintf(rest, room, "%" PRIu32 " a side", limits.side);
        return 1;
    }
    snprintf(rest, room, "%" PRIu64 " in all", limits.pixels);
    return (uint64_t)width * height > limits.pixels;
}

void soma_picture_release(soma_picture *picture) {
    free(picture->pixels);
    picture->pixels = NULL;
}
