/* SPDX-License-Identifier: Apache-2.0
 * Text of single XML elements; see aws_xml.h. */
#include "aws_xml.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    char value;
} entities[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};

/* Decode the entity at text[0] == '&'; returns its length, 0 when it is none that we know. */
static size_t decode_entity(const char *text, size_t len, char *out)
{
    for (size_t i = 0; i < ARRAY_LEN(entities); i++) {
        size_t n = strlen(entities[i].name);
        if (len >= n && memcmp(text, entities[i].name, n) == 0) {
            *out = entities[i].value;
            return n;
        }
    }
    if (len < 4 || text[1] != '#')
        return 0;
    unsigned value = 0;
    size_t at = 2;
    for (; at < len && at < 6 && text[at] >= '0' && text[at] <= '9'; at++)
        value = value * 10 + (unsigned)(text[at] - '0');
    if (at == 2 || at >= len || text[at] != ';' || value == 0 || value > 127)
        return 0;
    *out = (char)value;
    return at + 1;
}

static char *decode(const char *text, size_t len)
{
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < len;) {
        char c = text[i];
        size_t n = c == '&' ? decode_entity(text + i, len - i, &c) : 0;
        buf_putc(&out, c);
        i += n ? n : 1;
    }
    return buf_steal(&out);
}

char *aws_xml_text(const char *xml, size_t len, const char *name)
{
    char open[66], close[67];
    int open_len = snprintf(open, sizeof open, "<%.60s>", name);
    int close_len = snprintf(close, sizeof close, "</%.60s>", name);
    const char *start = len ? memmem(xml, len, open, (size_t)open_len) : NULL;
    if (!start)
        return NULL;
    start += open_len;
    size_t left = len - (size_t)(start - xml);
    const char *end = left ? memmem(start, left, close, (size_t)close_len) : NULL;
    return end ? decode(start, (size_t)(end - start)) : NULL;
}
