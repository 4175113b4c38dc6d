#pragma once
#include "libraries_opencl_survey.h"

#include <stdio.h>

/// Runs `body` in a child process and gathers what it writes. Where no child can be had, it runs in this process.
driver_survey survey_in_child(void (*body)(FILE *out, const char *argument), const char *argument, survey_patience patience);
