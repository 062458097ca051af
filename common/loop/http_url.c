/* SPDX-License-Identifier: Apache-2.0
 * URLs as HTTP answers hold them; see http_url.h. */
#include "loop/http_url.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

static CURLU *url_parse(const char *url)
{
    CURLU *u = curl_url();
    if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
        return u;
    curl_url_cleanup(u);
    return NULL;
}

char *http_url_resolve(const char *base, const char *reference)
{
    char *scheme = NULL, *absolute = NULL, *result = NULL;
    CURLU *u = strlen(reference) < HTTP_URL_MAX ? url_parse(base) : NULL;
    if (u && curl_url_set(u, CURLUPART_URL, reference, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        (strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0) &&
        curl_url_get(u, CURLUPART_URL, &absolute, 0) == CURLUE_OK &&
        strlen(absolute) < HTTP_URL_MAX)
        result = xstrdup(absolute);
    curl_free(scheme);
    curl_free(absolute);
    curl_url_cleanup(u);
    return result;
}

static bool part_equal(CURLU *a, CURLU *b, CURLUPart part)
{
    char *of_a = NULL, *of_b = NULL;
    bool equal = curl_url_get(a, part, &of_a, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                 curl_url_get(b, part, &of_b, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                 strcasecmp(of_a, of_b) == 0;
    curl_free(of_a);
    curl_free(of_b);
    return equal;
}

bool http_url_same_origin(const char *a, const char *b)
{
    CURLU *of_a = url_parse(a), *of_b = url_parse(b);
    bool same = of_a && of_b && part_equal(of_a, of_b, CURLUPART_SCHEME) &&
                part_equal(of_a, of_b, CURLUPART_HOST) && part_equal(of_a, of_b, CURLUPART_PORT);
    curl_url_cleanup(of_a);
    curl_url_cleanup(of_b);
    return same;
}

bool http_host_is_loopback(const char *host)
{
    struct in_addr address;
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

static void put_encoded(struct buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (isalnum(c) || strchr("-._~", c))
            buf_putc(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

char *http_url_encode(const char *text)
{
    struct buf out = BUF_INIT;
    put_encoded(&out, text);
    return buf_steal(&out);
}

void http_form_put(struct buf *form, const char *name, const char *value)
{
    buf_printf(form, "%s%s=", form->len ? "&" : "", name);
    put_encoded(form, value);
}

char *http_url_with_query(const char *url, const char *name, const char *value)
{
    struct buf pair AUTO(buf) = BUF_INIT;
    http_form_put(&pair, name, value);
    return xasprintf("%s%s%s", url, strchr(url, '?') ? "&" : "?", pair.data);
}
