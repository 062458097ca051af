/* SPDX-License-Identifier: Apache-2.0
 *
 * From Docker's limits to Fargate's sizes.
 */
#include "backend-ecs/ecs_size.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#include <string.h>

#define MIB ((int64_t)1 << 20)
#define GIB ((int64_t)1 << 30)

TEST(sizes_are_the_smallest_that_are_enough)
{
    static const struct {
        struct cloud_size_wish wish;
        int cpu, memory;
    } cases[] = {
        {{0}, 256, 512},
        {{.memory_bytes = 512 * MIB}, 256, 512},
        {{.memory_bytes = 4 * MIB}, 256, 512},
        {{.memory_bytes = 512 * MIB + 1}, 256, 1024},
        {{.memory_bytes = GIB + 1}, 256, 2048},
        {{.memory_bytes = 2 * GIB + 1}, 512, 3072},
        {{.memory_bytes = 5 * GIB}, 1024, 5120},
        {{.memory_bytes = 9 * GIB}, 2048, 9216},
        {{.memory_bytes = 30 * GIB}, 4096, 30720},
        {{.memory_bytes = 31 * GIB}, 8192, 32768},
        {{.memory_bytes = 61 * GIB}, 16384, 65536},
        {{.memory_bytes = 120 * GIB}, 16384, 122880},
        {{.nano_cpus = 1}, 256, 512},
        {{.nano_cpus = 250000000}, 256, 512},
        {{.nano_cpus = 250000001}, 512, 1024},
        {{.nano_cpus = 1000000000}, 1024, 2048},
        {{.nano_cpus = 1500000000, .memory_bytes = 5 * GIB}, 2048, 5120},
        {{.nano_cpus = 16000000000}, 16384, 32768},
        {{.nano_cpus = 250000000, .memory_bytes = 3 * GIB}, 512, 3072},
        {{.cpu_quota = 50000, .cpu_period = 100000}, 512, 1024},
        {{.cpu_quota = 200000}, 2048, 4096},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cloud_size size;
        struct error err;
        assert_int_equal(cloud_size_choose(&ecs_size_table, &cases[i].wish, &size, &err), 0);
        assert_int_equal(size.cpu_units, cases[i].cpu);
        assert_int_equal(size.memory_mib, cases[i].memory);
    }
}

TEST(too_large_names_the_limit)
{
    static const struct {
        struct cloud_size_wish wish;
        const char *says;
    } cases[] = {
        {{.memory_bytes = 120 * GIB + 1},
         "122881 MiB are more than a Fargate task can have (122880 MiB = 120 GiB); ask for less "
         "with --memory"},
        {{.memory_bytes = INT64_MAX}, "120 GiB"},
        {{.nano_cpus = 16000000001},
         "16.00 CPUs are more than a Fargate task can have (16); ask for fewer with --cpus"},
        {{.nano_cpus = INT64_MAX}, "--cpus"},
        {{.cpu_quota = INT64_MAX}, "--cpus"},
        {{.memory_bytes = -1}, "negative"},
        {{.nano_cpus = -1}, "negative"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cloud_size size;
        struct error err;
        assert_int_equal(cloud_size_choose(&ecs_size_table, &cases[i].wish, &size, &err), -1);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        assert_non_null(strstr(err.message, cases[i].says));
    }
}
