#pragma once
#include <stddef.h>

/// Three plays of Shakespeare as a text in ASCII, embedded (see data/ATTRIBUTION.md).
extern const unsigned char *const soma_shakespeare;
extern const size_t soma_shakespeare_size;
