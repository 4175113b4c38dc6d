#pragma once
#include "soma_levels.h"
#include "soma_matmul.h"
#include "soma_team.h"
