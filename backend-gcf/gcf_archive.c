/* SPDX-License-Identifier: Apache-2.0
 * The stub's archive; see gcf_archive.h. Zip as of PKWARE's APPNOTE.TXT 6.3, members stored. */
#include "gcf_archive.h"

#include "base/alloc.h"

#include <stdint.h>
#include <string.h>
#include <zlib.h>

/* In case the stub should be asked after all, before its image is replaced. */
static const struct {
    const char *name, *text;
} members[] = {
    {"main.py", "import functions_framework\n\n\n@functions_framework.http\n"
                "def " GCF_ENTRY_POINT "(request):\n    return 'not deployed yet', 503\n"},
    {"requirements.txt", "functions-framework==3.*\n"},
};

enum { VERSION_NEEDED = 10, DATE_1980 = 0x21 };

static void put16(struct buf *out, unsigned value)
{
    buf_append(out, (unsigned char[]){(unsigned char)value, (unsigned char)(value >> 8)}, 2);
}

static void put32(struct buf *out, uint32_t value)
{
    put16(out, value & 0xffff);
    put16(out, value >> 16);
}

/* What a local header and the directory say of a member, from the version on. */
static void put_member(struct buf *out, size_t i)
{
    uint32_t len = (uint32_t)strlen(members[i].text);
    put16(out, VERSION_NEEDED);
    put16(out, 0); /* flags */
    put16(out, 0); /* stored */
    put16(out, 0); /* time */
    put16(out, DATE_1980);
    put32(out, (uint32_t)crc32(0, (const Bytef *)members[i].text, len));
    put32(out, len);
    put32(out, len);
    put16(out, (unsigned)strlen(members[i].name));
    put16(out, 0); /* extra field */
}

static void put_directory(struct buf *out, const uint32_t *offsets)
{
    uint32_t begin = (uint32_t)out->len;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        put32(out, 0x02014b50);
        put16(out, VERSION_NEEDED);
        put_member(out, i);
        put16(out, 0); /* comment */
        put16(out, 0); /* disk */
        put16(out, 0); /* attributes */
        put32(out, 0);
        put32(out, offsets[i]);
        buf_puts(out, members[i].name);
    }
    uint32_t size = (uint32_t)out->len - begin;
    put32(out, 0x06054b50);
    put32(out, 0); /* disks */
    put16(out, ARRAY_LEN(members));
    put16(out, ARRAY_LEN(members));
    put32(out, size);
    put32(out, begin);
    put16(out, 0); /* comment */
}

void gcf_archive_write(struct buf *out)
{
    uint32_t offsets[ARRAY_LEN(members)];
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        offsets[i] = (uint32_t)out->len;
        put32(out, 0x04034b50);
        put_member(out, i);
        buf_puts(out, members[i].name);
        buf_puts(out, members[i].text);
    }
    put_directory(out, offsets);
}
