/* SPDX-License-Identifier: Apache-2.0
 * Dates in HTTP headers; see http_date.h. The daemons never call setlocale(): strptime() reads
 * English names. */
#include "base/http_date.h"

#include "base/alloc.h"
#include "base/str.h"

#include <string.h>
#include <time.h>

bool http_date_parse(const char *text, int64_t *seconds)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", /* RFC 850 */
        "%a %b %e %H:%M:%S %Y",                                   /* asctime() */
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct tm tm = {0};
        const char *end = strptime(text, forms[i], &tm);
        if (end && !*end) {
            *seconds = (int64_t)timegm(&tm);
            return true;
        }
    }
    return false;
}

int64_t http_date_retry_after_ms(const char *value, int64_t now_s)
{
    int64_t seconds, when;
    if (!value)
        return -1;
    if (http_date_parse(value, &when))
        seconds = when - now_s;
    else if (!str_to_i64(value, &seconds))
        return -1;
    if (seconds < 0)
        return 0;
    return seconds > INT32_MAX ? INT32_MAX * INT64_C(1000) : seconds * 1000;
}
