#include "CTexts.h"

static const unsigned char shakespeare[] = {
#embed "data/shakespeare.txt"
};
const unsigned char *const soma_shakespeare = shakespeare;
const size_t soma_shakespeare_size = sizeof shakespeare;
