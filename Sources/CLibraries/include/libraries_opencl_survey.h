#pragma once
#include "environment_override.h"
#include <stdbool.h>
#include <stddef.h>

/// What a child process had to say about drivers.
typedef struct driver_survey {
    /// `key value` lines, as far as the child came; whole where the last is `end`. Of `malloc`.
    char *_Nullable text;
    size_t length;
    /// Whether there was no child: the text was made in this process.
    bool is_own;
    /// The signal that ended the child; 0 for none, −1 where it did not answer in time.
    int signal;
    /// The last line that the drivers wrote to standard error.
    char complaint[256];
} driver_survey;

/// How long to wait for a child process.
typedef struct survey_patience {
    /// Seconds after which a child that has not answered is ended.
    int seconds;
    /// A line for standard error where it has not answered after SURVEY_QUIET_SECONDS; null for none.
    const char *_Nullable notice;
} survey_patience;

#define SURVEY_QUIET_SECONDS 2

/// Lists the platforms of OpenCL and their devices in a child process, which a broken driver may end.
///
/// The lines are `platform`, then `name`, `version`, `problem` of it; `device`, then what it says of itself; `end`.
/// - Parameter vendors: a folder of ICD files that the loader is to look into; null leaves that to the environment.
driver_survey opencl_survey(const char *_Nullable vendors, survey_patience patience);

/// Whether the loader is ocl-icd, and not that of Khronos: they heed different variables.
bool opencl_loader_is_ocl_icd(void);

/// Opens a library in a child process. The line is `problem`, and why it does not open; and `end`.
driver_survey library_trial(const char *_Nonnull library, survey_patience patience);

/// Makes this process's loader look into a folder of ICD files and nowhere else, where it is first asked for platforms before the override ends.
environment_override opencl_point_loader(const char *_Nonnull vendors);

void driver_survey_free(driver_survey *_Nonnull survey);
