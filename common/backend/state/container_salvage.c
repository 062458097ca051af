/* SPDX-License-Identifier: Apache-2.0
 * Damaged rows; see container_salvage.h. A protobuf message is a sequence of fields: each one that
 * is complete and decodes by itself is kept, up to the place from which the sequence cannot be
 * followed. */
#include "backend/state/container_salvage.h"

#include "base/buf.h"
#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"
#include "json/json_doc.h"

#include <ctype.h>
#include <string.h>

enum { NAME_MAX_LEN = 255, CONTAINER_FIELD = 1 };

/* ---- fields ---- */

struct field {
    uint32_t number;
    const unsigned char *payload; /* of a length-delimited one */
    size_t payload_len, whole;    /* whole: with its tag */
};

/* The bytes of a varint; 0: it is not complete. */
static size_t varint(const unsigned char *at, size_t room, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < room && i < 10; i++) {
        *out |= (uint64_t)(at[i] & 0x7f) << (7 * i);
        if (!(at[i] & 0x80))
            return i + 1;
    }
    return 0;
}

static bool next_field(const unsigned char *at, size_t room, struct field *f)
{
    uint64_t tag, value;
    size_t n = varint(at, room, &tag), more;
    *f = (struct field){.number = (uint32_t)(tag >> 3)};
    if (!n || !f->number)
        return false;
    switch (tag & 7) {
    case 0: more = varint(at + n, room - n, &value); break;
    case 1: more = 8; break;
    case 5: more = 4; break;
    case 2:
        more = varint(at + n, room - n, &value);
        if (!more || value > room - n - more)
            return false;
        f->payload = at + n + more;
        f->payload_len = (size_t)value;
        more += (size_t)value;
        break;
    default: return false;
    }
    f->whole = n + more;
    return more && f->whole <= room;
}

/* The message of those fields that decode by themselves. Never NULL: nothing is a message, too. */
static ProtobufCMessage *read_fields(const ProtobufCMessageDescriptor *type,
                                     const unsigned char *at, size_t room, struct arena *arena)
{
    AUTO(buf) struct buf good = BUF_INIT;
    struct field f;
    for (; next_field(at, room, &f); at += f.whole, room -= f.whole) {
        ProtobufCMessage *alone = protobuf_c_message_unpack(type, NULL, f.whole, at);
        if (!alone)
            continue;
        protobuf_c_message_free_unpacked(alone, NULL);
        buf_append(&good, at, f.whole);
    }
    return protobuf_c_message_unpack(type, &arena->protobuf, good.len, (uint8_t *)good.data);
}

/* ---- records ---- */

static bool is_id(const char *text)
{
    return text && strlen(text) == ID_HEX_LEN && str_is_hex(text, ID_HEX_LEN);
}

static bool is_json(const ProtobufCBinaryData *data)
{
    struct error err;
    AUTO(json)
    json_t *object = data->len ? json_doc_load_with_nul(data->data, data->len, &err) : NULL;
    return !data->len || object;
}

static bool is_name(const char *name)
{
    size_t len = strlen(name);
    if (!len || len > NAME_MAX_LEN || !isalnum((unsigned char)name[0]))
        return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_.-", *c))
            return false;
    return true;
}

static bool is_state(Sockerless__ContainerState state)
{
    return (unsigned)state <= SOCKERLESS__CONTAINER_STATE__DEAD;
}

/* What runs has a run; what is stopped during its start need not have one yet. */
static bool is_run_told(const Sockerless__ContainerRecord *rec)
{
    switch (rec->container->state) {
    case SOCKERLESS__CONTAINER_STATE__RUNNING:
    case SOCKERLESS__CONTAINER_STATE__PAUSED: return rec->current && rec->current->resource[0];
    default: return true;
    }
}

bool container_salvage_is_sound(const char *key, const Sockerless__ContainerRecord *rec)
{
    const Sockerless__Container *c = rec ? rec->container : NULL;
    return c && is_id(key) && strcmp(c->id, key) == 0 && c->config && c->host && is_name(c->name) &&
           is_state(c->state) && is_run_told(rec) && is_json(&c->host_config_json) &&
           is_json(&c->networking_config_json);
}

static Sockerless__Container *read_container(const unsigned char *bytes, size_t len,
                                             struct arena *arena)
{
    struct field f;
    const unsigned char *at = bytes;
    for (size_t room = len; next_field(at, room, &f); at += f.whole, room -= f.whole)
        if (f.number == CONTAINER_FIELD && f.payload)
            return (Sockerless__Container *)read_fields(&sockerless__container__descriptor,
                                                        f.payload, f.payload_len, arena);
    /* Cut off in the middle of it: what is there of it. */
    uint64_t tag, size;
    size_t n = varint(at, len - (size_t)(at - bytes), &tag);
    size_t m = n ? varint(at + n, len - (size_t)(at - bytes) - n, &size) : 0;
    bool begins = m && tag == (CONTAINER_FIELD << 3 | 2);
    const unsigned char *from = begins ? at + n + m : at;
    size_t room = begins ? len - (size_t)(from - bytes) : 0;
    return (Sockerless__Container *)read_fields(&sockerless__container__descriptor, from, room,
                                                arena);
}

/* What the rest of the backend relies on. */
static void complete(Sockerless__Container *c, const char *id, struct arena *arena)
{
    static const char reason[] =
        "the container's row in the state database is damaged; it can only be removed";
    c->id = arena_strdup(arena, id);
    if (!is_name(c->name))
        c->name = arena_printf(arena, "damaged-%.*s", ID_SHORT_LEN, id);
    if (!c->config) {
        c->config = arena_alloc(arena, sizeof *c->config);
        sockerless__container_config__init(c->config);
    }
    if (!c->host) {
        c->host = arena_alloc(arena, sizeof *c->host);
        sockerless__host_options__init(c->host);
    }
    c->host->auto_remove = false;
    if (!is_json(&c->host_config_json))
        c->host_config_json = (ProtobufCBinaryData){0};
    if (!is_json(&c->networking_config_json))
        c->networking_config_json = (ProtobufCBinaryData){0};
    c->state = SOCKERLESS__CONTAINER_STATE__DEAD;
    c->error = arena_strdup(arena, reason);
}

Sockerless__ContainerRecord *container_salvage(const char *key, const void *bytes, size_t len,
                                               struct arena *arena, bool *other_id)
{
    Sockerless__ContainerRecord *rec = (Sockerless__ContainerRecord *)read_fields(
        &sockerless__container_record__descriptor, bytes, len, arena);
    if (!rec->container)
        rec->container = read_container(bytes, len, arena);
    const char *inside = rec->container->id;
    const char *id = is_id(key) ? key : is_id(inside) ? inside : NULL;
    *other_id = !id || (*inside && strcmp(inside, id) != 0) || !is_id(key);
    if (!id)
        return NULL;
    complete(rec->container, id, arena);
    return rec;
}
