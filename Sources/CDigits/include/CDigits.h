#pragma once
#include <stddef.h>

/// The 1,797 handwritten digits of 8×8 pixels as two IDX files, embedded (see data/ATTRIBUTION.md).
extern const unsigned char *const soma_digits_images;
extern const size_t soma_digits_images_size;
extern const unsigned char *const soma_digits_labels;
extern const size_t soma_digits_labels_size;
