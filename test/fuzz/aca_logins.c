/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer: registry host names as clients write them, for the two clouds that log in with tokens,
 * and the refresh tokens that Azure's registries hand out. The first byte chooses the reader.
 */
#include "backend-aca/acr.h"

#include "base/alloc.h"
#include "cloud/gcp/artifact_registry.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_host(const char *text)
{
    char host[64];
    (void)artifact_registry_has_host(text);
    if (!acr_host(text, host, sizeof host))
        return;
    /* What becomes part of a URL is a plain host name. */
    assert(strlen(host) == strlen(text));
    assert(strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(host));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    char *text AUTO_FREE = xmalloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] % 2)
        read_host(text);
    else
        assert(acr_jwt_expiry_ns(text) >= 0);
    return 0;
}
