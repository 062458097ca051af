/* SPDX-License-Identifier: Apache-2.0
 *
 * Go's regular expressions: the first line is the expression, the rest is matched.
 */
#include "backend/api/go_regex.h"
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err;
    char *expression = xstrndup((const char *)data, size);
    char *text = strchr(expression, '\n');
    if (text)
        *text++ = '\0';
    struct go_regex *re = go_regex_new(expression, &err);
    if (re)
        go_regex_matches(re, text ? text : "a-name_1.x");
    go_regex_free(re);
    free(expression);
    return 0;
}
