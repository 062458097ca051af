/* SPDX-License-Identifier: Apache-2.0
 * Fuzz what image requests carry as text: the value of `until`, a registry's address. */
#include "backend/image/credential_store.h"
#include "backend/api/time_filter.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char text[512], host[256], again[256];
    struct error err;
    int64_t ns;
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (time_filter_parse(text, INT64_C(1700000000000000000), &ns, &err) && !err.message[0])
        abort();
    if (credential_host(text, host, sizeof host, &err))
        return 0;
    /* a host is its own host, and fits in a header */
    if (credential_host(host, again, sizeof again, &err) || strcmp(host, again) != 0 ||
        strpbrk(host, " \r\n\t/@\"'"))
        abort();
    return 0;
}
