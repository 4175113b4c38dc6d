// What the decoders share.
#pragma once
#include "CImages.h"

/// Writes to `reason` that a picture is too large, and returns whether it is.
int soma_is_too_large(uint32_t width, uint32_t height, soma_picture_limits limits, char reason[SOMA_PICTURE_REASON_SIZE]);
