#pragma once
#include "libraries_onednn.h"
#include "libraries_openblas.h"
#include "libraries_openmp.h"
#include "library_search.h"
