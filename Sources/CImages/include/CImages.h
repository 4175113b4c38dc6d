#pragma once
#include <stddef.h>
#include <stdint.h>

/// Unpacking of gzip data in memory, one or several members (RFC 1952), through zlib.
typedef struct soma_gunzip soma_gunzip;

enum { SOMA_GUNZIP_MORE, SOMA_GUNZIP_END, SOMA_GUNZIP_TRUNCATED, SOMA_GUNZIP_BROKEN };

/// Begins to unpack `size` bytes at `bytes`, which must outlive the result; NULL where there is no memory.
soma_gunzip *soma_gunzip_begin(const uint8_t *bytes, size_t size);

/// Writes up to `capacity` unpacked bytes to `output` and their number to `written`. MORE means that `output` is full,
/// END that the last member is complete and nothing follows it.
int soma_gunzip_read(soma_gunzip *state, uint8_t *output, size_t capacity, size_t *written);

/// What is wrong with BROKEN data, in words.
const char *soma_gunzip_reason(const soma_gunzip *state);

void soma_gunzip_end(soma_gunzip *state);
