/* SPDX-License-Identifier: Apache-2.0
 * The frame codec; see frame.h. */
#include "ipc/frame.h"

#include <stdbool.h>

void frame_header_encode(unsigned char out[FRAME_HEADER_SIZE], uint8_t type, size_t payload_len)
{
    out[0] = type;
    out[1] = out[2] = out[3] = 0;
    out[4] = (unsigned char)(payload_len >> 24);
    out[5] = (unsigned char)(payload_len >> 16);
    out[6] = (unsigned char)(payload_len >> 8);
    out[7] = (unsigned char)payload_len;
}

static bool type_known(uint8_t type)
{
    return type <= FRAME_STDERR || (type >= FRAME_OPEN && type <= FRAME_LOG) ||
           type == FRAME_RPC_REQUEST || type == FRAME_RPC_REPLY;
}

int frame_decode(const unsigned char *bytes, size_t len, size_t payload_max, struct frame *out,
                 size_t *used, struct error *err)
{
    *used = 0;
    if (len < FRAME_HEADER_SIZE)
        return 0;
    if (!type_known(bytes[0]) || bytes[1] || bytes[2] || bytes[3])
        return error_set(err, ERROR_INVALID_PARAMETER, "not a frame: header %02x%02x%02x%02x",
                         bytes[0], bytes[1], bytes[2], bytes[3]);
    size_t payload =
        (size_t)bytes[4] << 24 | (size_t)bytes[5] << 16 | (size_t)bytes[6] << 8 | bytes[7];
    if (payload > payload_max)
        return error_set(err, ERROR_TOO_LARGE, "frame of %zu bytes; at most %zu are accepted",
                         payload, payload_max);
    *used = FRAME_HEADER_SIZE + payload;
    if (len < *used)
        return 0;
    *out = (struct frame){.type = bytes[0], .payload = bytes + FRAME_HEADER_SIZE, .len = payload};
    return 1;
}
