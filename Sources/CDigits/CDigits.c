#include "CDigits.h"

static const unsigned char images[] = {
#embed "data/digits-images-idx3-ubyte"
};
const unsigned char *const soma_digits_images = images;
const size_t soma_digits_images_size = sizeof images;

static const unsigned char labels[] = {
#embed "data/digits-labels-idx1-ubyte"
};
const unsigned char *const soma_digits_labels = labels;
const size_t soma_digits_labels_size = sizeof labels;
