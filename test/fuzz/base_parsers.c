/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer: the small parsers of text from outside, one by the first byte: durations, HTTP dates and
 * Retry-After, port ranges, lines and ini settings, percent-encoded text.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/http_date.h"
#include "base/line_reader.h"
#include "base/percent.h"
#include "base/port_range.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void read_duration(const char *text)
{
    struct error err;
    int64_t ns;
    if (duration_parse_seconds(text, &ns))
        must(ns >= 0);
    (void)!duration_parse(text, &ns, &err);
}

static void read_retry_after(const char *text)
{
    int64_t ms = http_date_retry_after_ms(text, 784111777);
    must(ms >= -1 && ms <= INT32_MAX * INT64_C(1000));
}

static void read_ports(const char *text, size_t len)
{
    struct port_range r;
    if (port_range_parse(text, len, &r))
        must(r.first >= 0 && r.first <= r.last && r.last <= PORT_MAX);
    (void)port_range_protocol(text);
}

static void read_lines(char *text, size_t len)
{
    struct line_reader r = line_reader_of(text, len);
    struct line_setting s;
    char *fields[7];
    while (line_reader_setting(&r, "#;", &s)) {
        must((s.section != NULL) != (s.name != NULL));
        int n = line_reader_split(s.section ? s.section : s.name, ':', fields, 7);
        must(n >= 1 && n <= 7 && strlen(fields[n - 1]) <= len);
    }
}

static void read_encoded(const char *text, size_t len)
{
    AUTO_FREE char *out = xmalloc(len + 1);
    for (unsigned options = 0; options < 4; options++)
        must(percent_decode(text, len, options, out) <= (long)len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    AUTO_FREE char *text = xmalloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 5) {
    case 0: read_duration(text); break;
    case 1: read_retry_after(text); break;
    case 2: read_ports(text, size - 1); break;
    case 3: read_lines(text, size - 1); break;
    default: read_encoded(text, size - 1); break;
    }
    return 0;
}
