#pragma once
#include <stddef.h>
#include <stdint.h>

/// Unpacking of gzip data, one or several members (RFC 1952), through zlib.
typedef struct soma_gunzip soma_gunzip;

enum { SOMA_GUNZIP_MORE, SOMA_GUNZIP_END, SOMA_GUNZIP_TRUNCATED, SOMA_GUNZIP_BROKEN };

/// Sets `bytes` to the next piece of packed data, which must stay until it is called again, and returns its size; 0 at the end.
typedef uint32_t soma_gunzip_source(void *context, const uint8_t **bytes);

/// Begins to unpack what `source` gives; NULL where there is no memory.
soma_gunzip *soma_gunzip_begin(soma_gunzip_source *source, void *context);

/// Writes up to `capacity` unpacked bytes to `output` and their number to `written`. MORE means that `output` is full,
/// END that the last member is complete and nothing follows it.
int soma_gunzip_read(soma_gunzip *state, uint8_t *output, size_t capacity, size_t *written);

/// What is wrong with BROKEN data, in words.
const char *soma_gunzip_reason(const soma_gunzip *state);

void soma_gunzip_end(soma_gunzip *state);

/// A picture of 8 bits a channel, rows from the top, without padding.
typedef struct {
    uint32_t width, height;
    uint32_t channels;  // 1: grey, 3: red, green, blue
    uint8_t *pixels;    // soma_picture_release gives them back
} soma_picture;

/// Larger pictures are refused before memory is taken for them.
typedef struct {
    uint32_t side;
    uint64_t pixels;
} soma_picture_limits;

enum { SOMA_PICTURE_REASON_SIZE = 160 };

void soma_picture_release(soma_picture *picture);

/// The size of the picture in a PNG file. Returns 0, or -1 and the cause in `reason`.
int soma_png_size(const uint8_t *bytes, size_t size, soma_picture_limits limits, uint32_t *width, uint32_t *height,
                  char reason[SOMA_PICTURE_REASON_SIZE]);

/// Decodes a PNG file in memory. Palettes are looked up, 16 bits are scaled to 8, transparent pixels are laid over
/// `background`. Returns 0, or -1 and the cause in `reason`.
int soma_png_decode(const uint8_t *bytes, size_t size, soma_picture_limits limits, uint8_t background,
                    soma_picture *picture, char reason[SOMA_PICTURE_REASON_SIZE]);

/// Encodes a picture to a PNG file in memory, which `free` gives back. Returns 0, or -1 and the cause in `reason`.
int soma_png_encode(const soma_picture *picture, uint8_t **bytes, size_t *size, char reason[SOMA_PICTURE_REASON_SIZE]);

/// The size of the picture in a JPEG file. Returns 0, or -1 and the cause in `reason`.
int soma_jpeg_size(const uint8_t *bytes, size_t size, soma_picture_limits limits, uint32_t *width, uint32_t *height,
                   char reason[SOMA_PICTURE_REASON_SIZE]);

/// Decodes a JPEG file in memory, baseline or progressive, in grey, YCbCr, RGB, CMYK or YCCK. `eighths`, 1 to 8: the
/// picture is made smaller by eighths / 8, which takes less time than to decode all of it; its sides are rounded up.
/// `wants_grey`: colours are not decoded. Returns 0, or -1 and the cause in `reason`.
int soma_jpeg_decode(const uint8_t *bytes, size_t size, soma_picture_limits limits, uint32_t eighths, int wants_grey,
                     soma_picture *picture, char reason[SOMA_PICTURE_REASON_SIZE]);

/// How a JPEG file in memory says that its picture is to be turned to be upright: the tag Orientation of its Exif data, else of
/// its XMP packet, 1 to 8, where 1 is upright and what there is without the tag or with a broken one.
uint32_t soma_jpeg_orientation(const uint8_t *bytes, size_t size);

/// The same of a PNG file: by its chunk eXIf, else by Exif data in its texts, as ImageMagick writes them, else by XMP in them.
uint32_t soma_png_orientation(const uint8_t *bytes, size_t size);

/// A rectangle of a picture in pixels, not necessarily whole ones.
typedef struct {
    double x, y, width, height;
} soma_region;

/// Scales a region of `from` to the size of `to`, whose pixels are there to be written: linear interpolation, and where
/// it shrinks a mean with weights that fall linearly, so that nothing is passed over. Returns 0, or -1 for no memory.
int soma_resample(const soma_picture *from, soma_region region, soma_picture *to);

/// Each pixel p of `to` is that of `from` at (a·x + b·y + c, d·x + e·y + f), interpolated linearly; (x, y) is the
/// middle of p, coordinates count from the picture's upper left corner, and outside of it lies `fill`.
void soma_affine(const soma_picture *from, const double abcdef[6], uint8_t fill, soma_picture *to);

/// Writes `from` upright, given the Exif tag Orientation: 2 mirrored, 3 turned by half, 4 upside down, 5 rows for columns, 6 to
/// be turned right, 7 rows for columns from the last ones on, 8 to be turned left. `to` has the size of the result.
void soma_orient(const soma_picture *from, uint32_t orientation, soma_picture *to);

/// Mirrors a picture from left to right.
void soma_flip(soma_picture *picture);

/// (r, g, b) becomes m · (r, g, b, 1) for each pixel in colour, m having three rows, rounded and kept within 0 to 255.
void soma_mix_colours(soma_picture *picture, const float m[12]);

/// The mean of 0.299 red + 0.587 green + 0.114 blue, or of grey.
double soma_mean_luminance(const soma_picture *picture);

/// Writes the channels one after the other: output[c][y][x] = pixel[y][x][c] · scale[c] + offset[c].
void soma_planes(const soma_picture *picture, const float scale[3], const float offset[3], float *output);
