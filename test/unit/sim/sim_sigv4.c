/* SPDX-License-Identifier: Apache-2.0
 * Verification of SigV4 against vectors of AWS's published test suite (aws-sig-v4-test-suite) and
 * the IAM example of the General Reference. */
#include "test/sim/aws/sigv4.h"

#include "base/alloc.h"
#include "test/kit/test.h"
#include <string.h>

static const char SECRET[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
enum { NOW_S = 1440938160 }; /* 2015-08-30T12:36:00Z */

struct vector {
    const char *name, *method, *path, *query, *body, *service, *signed_headers, *signature;
    struct http_header headers[6];
};

#define HOST                                                                                       \
    {                                                                                              \
        "Host", "example.amazonaws.com"                                                            \
    }
#define DATE                                                                                       \
    {                                                                                              \
        "X-Amz-Date", "20150830T123600Z"                                                           \
    }

static const struct vector vectors[] = {
    {"get-vanilla",
     "GET",
     "/",
     "",
     "",
     "service",
     "host;x-amz-date",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
     {HOST, DATE}},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     "Param2=value2&Param1=value1",
     "",
     "service",
     "host;x-amz-date",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
     {HOST, DATE}},
    {"get-unreserved",
     "GET",
     "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     "",
     "",
     "service",
     "host;x-amz-date",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
     {HOST, DATE}},
    {"get-header-value-trim",
     "GET",
     "/",
     "",
     "",
     "service",
     "host;my-header1;my-header2;x-amz-date",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
     {HOST, {"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}, DATE}},
    {"get-header-key-duplicate",
     "GET",
     "/",
     "",
     "",
     "service",
     "host;my-header1;x-amz-date",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
     {HOST, {"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}, DATE}},
    {"post-vanilla",
     "POST",
     "/",
     "",
     "",
     "service",
     "host;x-amz-date",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
     {HOST, DATE}},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     "",
     "Param1=value1",
     "service",
     "content-type;host;x-amz-date",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
     {{"Content-Type", "application/x-www-form-urlencoded"}, HOST, DATE}},
    {"iam-list-users",
     "GET",
     "/",
     "Action=ListUsers&Version=2010-05-08",
     "",
     "iam",
     "content-type;host;x-amz-date",
     "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
     {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
      {"Host", "iam.amazonaws.com"},
      DATE}},
};

static char *make_request(const struct vector *v, struct http_request *out)
{
    char *authorization =
        xasprintf("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/%s/aws4_request, "
                  "SignedHeaders=%s, Signature=%s",
                  v->service, v->signed_headers, v->signature);
    *out = (struct http_request){.method = v->method,
                                 .path = v->path,
                                 .query = v->query,
                                 .body = v->body,
                                 .body_len = strlen(v->body)};
    for (size_t i = 0; i < ARRAY_LEN(v->headers) && v->headers[i].name; i++)
        out->headers[out->header_count++] = v->headers[i];
    out->headers[out->header_count++] = (struct http_header){"Authorization", authorization};
    return authorization;
}

TEST(accepts_published_vectors)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct http_request request;
        struct sigv4_scope scope;
        __attribute__((unused)) AUTO_FREE char *owned = make_request(&vectors[i], &request);
        print_message("%s\n", vectors[i].name);
        assert_int_equal(sigv4_parse(&request, &scope), SIGV4_OK);
        assert_string_equal(scope.access_key, "AKIDEXAMPLE");
        assert_string_equal(scope.service, vectors[i].service);
        assert_int_equal(sigv4_verify(&request, &scope, SECRET, NOW_S), SIGV4_OK);
    }
}

TEST(refuses_changes)
{
    struct http_request request;
    struct sigv4_scope scope;
    __attribute__((unused)) AUTO_FREE char *owned = make_request(&vectors[6], &request);
    assert_int_equal(sigv4_parse(&request, &scope), SIGV4_OK);
    assert_int_equal(sigv4_verify(&request, &scope, "another", NOW_S), SIGV4_MISMATCH);
    request.body = "Param1=value2";
    assert_int_equal(sigv4_verify(&request, &scope, SECRET, NOW_S), SIGV4_MISMATCH);
    request.body = "Param1=value1";
    request.query = "a=b";
    assert_int_equal(sigv4_verify(&request, &scope, SECRET, NOW_S), SIGV4_MISMATCH);
    request.query = "";
    request.method = "PUT";
    assert_int_equal(sigv4_verify(&request, &scope, SECRET, NOW_S), SIGV4_MISMATCH);
}

TEST(refuses_old_and_future_dates)
{
    struct http_request request;
    struct sigv4_scope scope;
    __attribute__((unused)) AUTO_FREE char *owned = make_request(&vectors[0], &request);
    assert_int_equal(sigv4_parse(&request, &scope), SIGV4_OK);
    assert_int_equal(sigv4_verify(&request, &scope, SECRET, NOW_S + 300), SIGV4_OK);
    assert_int_equal(sigv4_verify(&request, &scope, SECRET, NOW_S + 301), SIGV4_EXPIRED);
    assert_int_equal(sigv4_verify(&request, &scope, SECRET, NOW_S - 301), SIGV4_EXPIRED);
}

TEST(needs_host_and_amz_headers_signed)
{
    struct http_request request;
    struct sigv4_scope scope;
    __attribute__((unused)) AUTO_FREE char *owned = make_request(&vectors[0], &request);
    request.headers[request.header_count++] =
        (struct http_header){"X-Amz-Target", "Logs_20140328.GetLogEvents"};
    assert_int_equal(sigv4_parse(&request, &scope), SIGV4_INCOMPLETE);
    request.header_count -= 2; /* without Authorization too */
    assert_int_equal(sigv4_parse(&request, &scope), SIGV4_MISSING);
    static const char *const broken[] = {
        "AWS4-HMAC-SHA256", "Bearer x", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host",
        /* host is not signed */
        ("AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=x-amz-date, "
         "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        request.headers[2] = (struct http_header){"Authorization", broken[i]};
        request.header_count = 3;
        assert_int_equal(sigv4_parse(&request, &scope), SIGV4_INCOMPLETE);
    }
}
