/* SPDX-License-Identifier: Apache-2.0
 *
 * A second reader of WebSocket frames, by libwslay, with which ws_frames.c is compared: by
 * ipc_ws_frames.c and by the fuzzer.
 */
#ifndef SOCKERLESS_TEST_KIT_WS_ORACLE_H
#define SOCKERLESS_TEST_KIT_WS_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ws_oracle {
    const unsigned char *in;
    size_t in_len;
    bool in_message;
    uint64_t message_len;
    unsigned char *out; /* heap */
    size_t out_len;
    int code; /* as ws_frames_decode() */
};

/* All of `in` at once; o->out is to be freed. */
void ws_oracle_decode(struct ws_oracle *o, const unsigned char *in, size_t len);

#endif
