/* SPDX-License-Identifier: Apache-2.0
 * Fuzz: what a caller shows to the listener for reverse agents. What is accepted has exactly one
 * way to be written. */
#include "base/alloc.h"
#include "base/str.h"
#include "ipc/callback_token.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text AUTO_FREE = xstrndup((const char *)data, size);
    struct callback_token shown;
    char again[CALLBACK_TEXT_SIZE];
    if (!callback_token_parse(text, &shown))
        return 0;
    if (*shown.session)
        callback_token_write(again, shown.container, shown.token, shown.session);
    else
        callback_token_write_line(again, shown.container, shown.token, shown.instance);
    if (strcmp(text + strlen("Bearer "), again) != 0)
        abort();
    return 0;
}
