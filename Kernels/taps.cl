// What convolution.cl and convolution_cpu.cl share: how the second factor B of the three products is read from images.
//
// Indexing: a column and a depth are numbers with three digits (outer, y, x). Each contributes to the place in the image that is read:
//
//     line = start_y + y·step_y      place = outer·stride + line·width + pixel
//     pixel = start_x + x·step_x
//
//     B[depth, column] = b[place(depth) + place(column)] where both sums line(depth) + line(column) and pixel(depth) + pixel(column)
//     lie within the image, else 0
//
// so the three passes differ in numbers alone. A[row, depth] = a[row·a_lead + outer·a_stride + y·a_step_y + x·a_step_x].
// For a stride s > 1 the input gradient falls apart in phases: of the pixels i with the same remainder i mod s only those taps r reach any
// that agree with it, and these are the same for all of them: neither a test in the loop nor a product with a zero.
//
#ifndef PHASES
#define PHASES 0  // 1 for the input gradient of a convolution with a stride
#endif

// The line of what does not exist; twice that still fits an int.
#define NOWHERE (-(1 << 30))

// The digits of a number, of which the last two run to `lines` and `pixels`.
#define DIGITS(number, lines, pixels, outer, y, x) \
    const int outer##_rest = SOMA_INT_QUOTIENT(number, pixels##_multiplier, pixels##_shift); \
    const int x = (number) - outer##_rest * pixels; \
    const int outer = SOMA_INT_QUOTIENT(outer##_rest, lines##_multiplier, lines##_shift); \
    const int y = outer##_rest - outer * lines;

// The first pixel of a phase, its first taps, how many there are and where they read; how deep its product is; and the segment of that.
#define FIND_PHASE(number) \
    const int phase = (number) % (phases_y * phases_x), segment = (number) / (phases_y * phases_x); \
    const int phase_y = phase / phases_x, phase_x = phase % phases_x; \
    int first_y = 0, first_x = 0; \
    while (first_y < depth_lines && (phase_y + before_y - first_y * dilation_y) % phases_y != 0) first_y++; \
    while (first_x < depth_pixels && (phase_x + before_x - first_x * dilation_x) % phases_x != 0) first_x++; \
    const int phase_lines = (depth_lines - first_y + apart_y - 1) / apart_y, phase_pixels = (depth_pixels - first_x + apart_x - 1) / apart_x; \
    const int start_y = (phase_y + before_y - first_y * dilation_y) / phases_y; \
    const int start_x = (phase_x + before_x - first_x * dilation_x) / phases_x; \
    const int k = depth_outer * phase_lines * phase_pixels; \
    a += (soma_index)first_y * (a_step_y / apart_y) + first_x;
