#pragma once
#include "soma_chains.h"
#include "soma_levels.h"
#include "soma_loops.h"
#include "soma_matmul.h"
#include "soma_nest.h"
#include "soma_reductions.h"
#include "soma_team.h"
