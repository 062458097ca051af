/* SPDX-License-Identifier: Apache-2.0
 *
 * WWW-Authenticate: no value may overrun or hang the parser.
 */
#include "base/alloc.h"
#include "oci/registry/www_authenticate.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text AUTO_FREE = xstrndup((const char *)data, size);
    struct www_challenge found[3];
    int count = www_authenticate_parse(text, found, 3);
    if (count > 3)
        abort();
    for (int i = 0; i < count; i++)
        if (strlen(found[i].realm) >= sizeof found[i].realm ||
            strlen(found[i].service) >= sizeof found[i].service ||
            strlen(found[i].scope) >= sizeof found[i].scope ||
            strlen(found[i].error) >= sizeof found[i].error)
            abort();
    return 0;
}
