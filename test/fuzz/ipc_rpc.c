/* SPDX-License-Identifier: Apache-2.0
 * Fuzz: what a peer may send as Request, Reply, StreamOpen or Exit, unpacked into an arena and
 * packed again. The first byte picks the message. */
#include "base/alloc.h"
#include "base/arena.h"

#include "proto/sockerless.pb-c.h"
#include "proto/state.pb-c.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ProtobufCMessageDescriptor *const kinds[] = {
        &sockerless__request__descriptor,          &sockerless__reply__descriptor,
        &sockerless__stream_open__descriptor,      &sockerless__exit__descriptor,
        &sockerless__container_record__descriptor, &sockerless__image_record__descriptor,
    };
    if (size < 1)
        return 0;
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    ProtobufCMessage *m = protobuf_c_message_unpack(kinds[data[0] % ARRAY_LEN(kinds)],
                                                    &arena.protobuf, size - 1, data + 1);
    if (!m)
        return 0;
    size_t len = protobuf_c_message_get_packed_size(m);
    uint8_t *packed AUTO_FREE = xmalloc(len);
    protobuf_c_message_pack(m, packed);
    return 0;
}
