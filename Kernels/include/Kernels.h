#pragma once
#include <stddef.h>

/// The text of one file of kernels.
typedef struct kernel_text {
    const char *_Nonnull name; ///< The file's name without `.cl`.
    const char *_Nonnull text; ///< Ended by a zero.
    size_t length;             ///< In bytes, without the zero.
} kernel_text;

/// How many files Kernels/*.cl there are.
size_t kernel_text_count(void);

/// The file at a place below the count; the files are in the order of their names.
kernel_text kernel_text_at(size_t place);

/// The text of Kernels/tuning/matmul.txt, ended by a zero.
const char *_Nonnull kernel_matmul_tiles(void);

/// The text of Kernels/tuning/convolution.txt, ended by a zero.
const char *_Nonnull kernel_convolution_tiles(void);

/// The text of Kernels/tuning/reduce.txt, ended by a zero.
const char *_Nonnull kernel_reduce_tuning(void);

/// The text of Kernels/tuning/map.txt, ended by a zero.
const char *_Nonnull kernel_map_tuning(void);
