/* SPDX-License-Identifier: Apache-2.0
 * Fuzz: the frame codec. Whatever comes, it answers within its contract, and what it accepts it can
 * write again. */
#include "ipc/frame.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = 0;
    while (at < size) {
        struct frame f;
        struct error err;
        size_t used;
        int rc = frame_decode(data + at, size - at, FRAME_SESSION_MAX, &f, &used, &err);
        if (rc <= 0) {
            assert(rc == 0 ? used == 0 || used > size - at : err.code != ERROR_NONE);
            break;
        }
        unsigned char header[FRAME_HEADER_SIZE];
        frame_header_encode(header, f.type, f.len);
        assert(memcmp(header, data + at, sizeof header) == 0);
        assert(used == FRAME_HEADER_SIZE + f.len && f.payload + f.len <= data + size);
        at += used;
    }
    return 0;
}
