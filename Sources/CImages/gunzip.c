#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "CImages.h"

struct soma_gunzip {
    z_stream stream;
    soma_gunzip_source *source;
    void *context;
    const char *reason;
    int ended;
};

soma_gunzip *soma_gunzip_begin(soma_gunzip_source *source, void *context) {
    soma_gunzip *state = calloc(1, sizeof *state);
    if (!state) return NULL;
    state->source = source;
    state->context = context;
    if (inflateInit2(&state->stream, 15 + 16) != Z_OK) {
        free(state);
        return NULL;
    }
    return state;
}

static void refill(soma_gunzip *state) {
    if (state->stream.avail_in > 0) return;
    const uint8_t *bytes = NULL;
    state->stream.avail_in = state->source(state->context, &bytes);
    state->stream.next_in = (Bytef *)bytes;
}

static int broken(soma_gunzip *state, const char *reason) {
    state->reason = reason;
    return SOMA_GUNZIP_BROKEN;
}

int soma_gunzip_read(soma_gunzip *state, uint8_t *output, size_t capacity, size_t *written) {
    z_stream *stream = &state->stream;
    *written = 0;
    while (!state->ended && *written < capacity) {
        refill(state);
        size_t room = capacity - *written;
        stream->next_out = output + *written;
        stream->avail_out = (uInt)(room < UINT_MAX ? room : UINT_MAX);
        uInt before = stream->avail_out;
        int result = inflate(stream, Z_NO_FLUSH);
        *written += before - stream->avail_out;
        if (result == Z_STREAM_END) {
            refill(state);
            if (stream->avail_in == 0) state->ended = 1;
            else if (inflateReset(stream) != Z_OK) return broken(state, "inconsistent state");
        } else if (result == Z_BUF_ERROR && stream->avail_in == 0) {
            return SOMA_GUNZIP_TRUNCATED;
        } else if (result != Z_OK) {
            return broken(state, stream->msg ? stream->msg : "invalid data");
        }
    }
    return state->ended ? SOMA_GUNZIP_END : SOMA_GUNZIP_MORE;
}

const char *soma_gunzip_reason(const soma_gunzip *state) { return state->reason ? state->reason : "invalid data"; }

void soma_gunzip_end(soma_gunzip *state) {
    inflateEnd(&state->stream);
    free(state);
}
