#pragma once
#include <stddef.h>

/// The 344 penguins as a CSV file, embedded (see data/ATTRIBUTION.md).
extern const unsigned char *const soma_penguins;
extern const size_t soma_penguins_size;
