#include "CTables.h"

static const unsigned char penguins[] = {
#embed "data/penguins.csv"
};
const unsigned char *const soma_penguins = penguins;
const size_t soma_penguins_size = sizeof penguins;
