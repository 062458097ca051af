/* SPDX-License-Identifier: Apache-2.0
 * Endpoints: a registry spoken to at another address keeps its own name's credentials. */
#include "oci/registry/registry_hosts.h"
#include "test/kit/test.h"

#include <string.h>

static const char ECR[] = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

static struct registry_hosts *hosts(const char *mirrors, const char *endpoints)
{
    struct registry_hosts *h;
    struct error err;
    assert_int_equal(registry_hosts_parse(mirrors, NULL, &h, &err), 0);
    assert_int_equal(registry_hosts_add_endpoints(h, endpoints, &err), 0);
    return h;
}

TEST(endpoint_keeps_the_names_credentials)
{
    struct registry_endpoint e;
    struct registry_hosts *h =
        hosts(NULL, "123456789012.dkr.ecr.us-east-1.amazonaws.com=http://127.0.0.1:4566/x");
    registry_hosts_find(h, ECR, &e);
    assert_string_equal(e.base, "http://127.0.0.1:4566");
    assert_string_equal(e.host, ECR);
    assert_string_equal(e.prefix, "x/");
    assert_false(e.is_mirror);
    assert_true(e.is_plain);
    registry_hosts_free(h);
}

TEST(endpoint_comes_before_a_mirror)
{
    struct registry_endpoint e;
    struct registry_hosts *h =
        hosts("docker.io=https://cache.example,ghcr.io=https://cache.example",
              "ghcr.io=https://ghcr.internal:8443");
    registry_hosts_find(h, "ghcr.io", &e);
    assert_string_equal(e.base, "https://ghcr.internal:8443");
    assert_false(e.is_mirror);
    registry_hosts_find(h, "docker.io", &e);
    assert_string_equal(e.host, "cache.example");
    assert_true(e.is_mirror);
    registry_hosts_free(h);
}

TEST(bad_endpoints_are_named)
{
    struct registry_hosts *h;
    struct error err;
    assert_int_equal(registry_hosts_parse(NULL, NULL, &h, &err), 0);
    assert_int_equal(registry_hosts_add_endpoints(h, "a.example", &err), -1);
    assert_non_null(strstr(err.message, "--registry-endpoints: \"a.example\""));
    assert_int_equal(registry_hosts_add_endpoints(h, "a.example=ftp://b", &err), -1);
    assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    registry_hosts_free(h);
}
