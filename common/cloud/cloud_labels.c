/* SPDX-License-Identifier: Apache-2.0
 * Labels; see cloud_labels.h. */
#include "cloud/cloud_labels.h"

#include "base/str.h"
#include "base/utf8.h"

#include <string.h>

enum { PUNCTUATION = 6 }; /* "":"", */

static size_t label_write(struct json_writer *w, const Sockerless__KeyValue *label, size_t room)
{
    const struct json_writer before = *w;
    size_t start = w->out->len;
    if (strlen(label->key) + strlen(label->value) + PUNCTUATION > room)
        return 0; /* before any of it is copied */
    json_member_string(w, label->key, label->value);
    size_t size = w->out->len - start;
    if (size <= room)
        return size;
    w->out->len = start; /* escapes made it longer */
    w->out->data[start] = '\0';
    *w = before;
    return 0;
}

void cloud_labels_write(struct json_writer *w, const Sockerless__ContainerConfig *config,
                        const char *reserved, size_t room)
{
    for (size_t i = 0; config && i < config->n_labels; i++) {
        const Sockerless__KeyValue *label = config->labels[i];
        if ((reserved && str_starts(label->key, reserved)) || utf8_has_nul(label->key) ||
            utf8_has_nul(label->value))
            continue;
        room -= label_write(w, label, room);
    }
}
