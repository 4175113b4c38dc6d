#pragma once
#include <stdbool.h>
#include <stddef.h>

/// A variable of the environment, and what it is to be; null: not set.
typedef struct environment_change {
    const char *_Nonnull name;
    const char *_Nullable value;
} environment_change;

/// An environment in the place of another.
typedef struct environment_override {
    char *_Nullable *_Nullable before;
    /// Null where there was no memory, and nothing was changed.
    char *_Nullable *_Nullable during;
} environment_override;

/// Changes variables of the environment until `environment_override_end`, for a library that takes its settings from there.
///
/// `setenv` changes and moves what `getenv` may be reading in another thread at that moment, which ends the process. Here a second environment takes
/// the place of the first in one store; both stay as they are, and the second is never freed, since a thread may still read it. A variable that
/// another thread sets in between counts from then on, but may be lost at the end.
environment_override environment_override_begin(const environment_change *_Nonnull changes, size_t count);

/// Puts the environment back that there was before.
void environment_override_end(environment_override override);
