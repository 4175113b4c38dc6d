#pragma once
#include "libraries_clblast.h"
#include "libraries_curl.h"
#include "libraries_onednn.h"
#include "libraries_openblas.h"
#include "libraries_opencl.h"
#include "libraries_openmp.h"
#include "library_search.h"
