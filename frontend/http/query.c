/* SPDX-License-Identifier: Apache-2.0
 *
 * URL decoding and Docker's conventions for query parameters; see query.h. First stop of every
 * request after the HTTP parser.
 */
#include "frontend/http/query.h"

#include "base/percent.h"
#include "base/str.h"
#include "base/utf8.h"

#include <string.h>
#include <strings.h>

/* A text that ends at its NUL would be another name: "web%00x" is not "web". Written as in texts of
 * JSON (base/utf8.h). From the end on, in place: it is shorter than "%00". Gives the new length. */
static size_t replace_nuls(char *text, size_t len)
{
    size_t nuls = 0;
    for (size_t i = 0; i < len; i++)
        nuls += text[i] == '\0';
    size_t longer = len + nuls * (sizeof UTF8_NUL_TEXT - 2), to = longer;
    text[longer] = '\0';
    for (size_t i = len; i-- > 0 && to > i + 1;) {
        if (text[i]) {
            text[--to] = text[i];
            continue;
        }
        to -= sizeof UTF8_NUL_TEXT - 1;
        memcpy(text + to, UTF8_NUL_TEXT, sizeof UTF8_NUL_TEXT - 1);
    }
    return longer;
}

char *query_decode(struct arena *a, const char *text, size_t len, bool plus, size_t *out_len)
{
    char *out = arena_alloc(a, len + 1);
    long n = percent_decode(text, len, plus ? PERCENT_PLUS_IS_BLANK : 0, out);
    if (n < 0)
        return NULL;
    size_t decoded = replace_nuls(out, (size_t)n);
    if (out_len)
        *out_len = decoded;
    return out;
}

/* Go names the escape, or what is left of it. */
static const char *broken_escape(struct arena *a, const char *text, size_t len)
{
    char ignored[4];
    for (size_t i = 0; i < len; i++)
        if (text[i] == '%') {
            size_t some = len - i < 3 ? len - i : 3;
            if (percent_decode(text + i, some, 0, ignored) < 0)
                return arena_printf(a, "invalid URL escape \"%.*s\"", (int)some, text + i);
        }
    return "invalid URL escape";
}

static void query_add(struct query *q, struct arena *a, const char *text, size_t len)
{
    if (memchr(text, ';', len)) {
        q->broken = "invalid semicolon separator in query";
        return;
    }
    const char *equals = memchr(text, '=', len);
    size_t key_len = equals ? (size_t)(equals - text) : len;
    struct query_pair pair = {.key = query_decode(a, text, key_len, true, NULL), .value = ""};
    if (equals)
        pair.value = query_decode(a, equals + 1, len - key_len - 1, true, NULL);
    if (pair.key && pair.value)
        q->pairs[q->count++] = pair;
    else if (!q->broken)
        q->broken = pair.key ? broken_escape(a, equals + 1, len - key_len - 1)
                             : broken_escape(a, text, key_len);
}

void query_parse(struct query *q, struct arena *a, const char *text)
{
    *q = (struct query){0};
    if (str_empty(text))
        return;
    size_t most = 1;
    for (const char *p = text; *p; p++)
        most += *p == '&';
    if (most > QUERY_PAIRS_MAX)
        most = QUERY_PAIRS_MAX;
    q->pairs = arena_calloc(a, most, sizeof(*q->pairs));
    while (*text && q->count < most) {
        size_t len = strcspn(text, "&");
        if (len)
            query_add(q, a, text, len);
        text += len + (text[len] == '&');
    }
    if (*text)
        q->broken = "too many parameters in the query";
}

const char *query_get(const struct query *q, const char *key)
{
    for (size_t i = 0; i < q->count; i++)
        if (strcmp(q->pairs[i].key, key) == 0)
            return q->pairs[i].value;
    return NULL;
}

char **query_all(const struct query *q, struct arena *a, const char *key, size_t *count)
{
    char **values = arena_calloc(a, q->count + 1, sizeof(*values));
    *count = 0;
    for (size_t i = 0; i < q->count; i++)
        if (strcmp(q->pairs[i].key, key) == 0)
            values[(*count)++] = (char *)(uintptr_t)q->pairs[i].value;
    return values;
}

bool query_bool(const struct query *q, const char *key, bool absent)
{
    static const char *const no[] = {"", "0", "no", "false", "none"};
    const char *value = query_get(q, key);
    if (!value)
        return absent;
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        if (strcasecmp(value, no[i]) == 0)
            return false;
    return true;
}

int query_int(const struct query *q, const char *key, int64_t absent, int64_t min, int64_t max,
              int64_t *out, struct error *err)
{
    const char *value = query_get(q, key);
    *out = absent;
    if (str_empty(value))
        return 0;
    if (!str_to_i64(value, out))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "strconv.Atoi: parsing \"%.64s\": invalid syntax", value);
    if (*out < min || *out > max)
        return error_set(err, ERROR_INVALID_PARAMETER, "%s: value out of range: %.64s", key, value);
    return 0;
}
