#pragma once
#include <stdbool.h>

/// The instruction set levels that the loops are compiled for. The best one that the processor has is used; the others serve
/// its lesser relatives and are tested by choosing them.

/// How many levels this processor can run.
int soma_level_count(void);

/// The name of one of them; 0 is the best.
const char *soma_level_name(int index);

/// Uses that level from now on for what is prepared afterwards. Not while anything runs.
void soma_level_use(int index);

/// Whether the compiler was asked to optimise the loops: a debug build does not where nobody says so, and they then take five to six times as long.
bool soma_kernels_are_optimized(void);
