/* SPDX-License-Identifier: Apache-2.0
 * Looking ahead in a byte source; see image_archive_peek.h. */
#include "oci/archive/image_archive_peek.h"

#include <string.h>

int archive_peek_open(struct archive_peek *p, struct byte_source from, struct error *err)
{
    p->from = from;
    p->head_len = 0;
    p->ahead[1].len = 0;
    while (p->head_len < LAYER_HEAD) {
        const void *bytes = NULL;
        ssize_t n = from.read(from.arg, &bytes, err);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        size_t room = LAYER_HEAD - p->head_len;
        size_t fits = room < (size_t)n ? room : (size_t)n;
        memcpy(p->head + p->head_len, bytes, fits);
        p->head_len += fits;
        p->ahead[1].bytes = (const unsigned char *)bytes + fits;
        p->ahead[1].len = (size_t)n - fits;
    }
    p->ahead[0].bytes = p->head;
    p->ahead[0].len = p->head_len;
    return 0;
}

ssize_t archive_peek_read(void *peek, const void **bytes, struct error *err)
{
    struct archive_peek *p = peek;
    size_t i = p->ahead[0].len ? 0 : 1;
    ssize_t n = (ssize_t)p->ahead[i].len;
    if (n == 0)
        return p->from.read(p->from.arg, bytes, err);
    *bytes = p->ahead[i].bytes;
    p->ahead[i].len = 0;
    return n;
}
