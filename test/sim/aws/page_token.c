/* SPDX-License-Identifier: Apache-2.0
 * See page_token.h. */
#include "test/sim/aws/page_token.h"

#include "base/str.h"

#include <string.h>

char *page_token_encode(const char *last)
{
    return base64_encode(last, strlen(last));
}

char *page_token_decode(const char *token)
{
    size_t len;
    return (char *)base64_decode(token, strlen(token), &len);
}
