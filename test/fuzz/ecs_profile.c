/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer: AWS config and credentials files.
 */
#include "backend-ecs/aws_profile.h"
#include "base/alloc.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(aws_profiles) struct aws_profiles p = {0};
    for (enum aws_profile_file file = AWS_PROFILE_CONFIG; file <= AWS_PROFILE_CREDENTIALS; file++) {
        AUTO_FREE char *text = xmalloc(size + 1);
        memcpy(text, data, size);
        text[size] = '\0';
        aws_profiles_parse(&p, file, text, size);
    }
    (void)aws_profiles_get(&p, "default", "region");
    return 0;
}
