/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer: AWS config and credentials files.
 */
#include "backend-ecs/aws_profile.h"
#include "base/alloc.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(aws_profiles) struct aws_profiles p = {0};
    aws_profiles_parse(&p, AWS_PROFILE_CONFIG, (const char *)data, size);
    aws_profiles_parse(&p, AWS_PROFILE_CREDENTIALS, (const char *)data, size);
    (void)aws_profiles_get(&p, "default", "region");
    return 0;
}
