/* SPDX-License-Identifier: Apache-2.0
 * Verification of SigV4 against vectors of AWS's published test suite (aws-sig-v4-test-suite) and
 * the IAM example of the General Reference. */
#include "test/sim/aws/sigv4.h"

#include "base/alloc.h"
#include "test/kit/test.h"
#include <string.h>

static const char SECRET[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
enum { NOW_S = 1440938160 }; /* 2015-08-30T12:36:00Z */

#define HOST "Host: example.amazonaws.com\n"
#define DATE "X-Amz-Date: 20150830T123600Z\n"

/* headers: one a line */
static const struct vector {
    const char *name, *method, *path, *query, *body, *service, *signed_headers, *signature;
    const char *headers;
} vectors[] = {
    {"get-vanilla", "GET", "/", "", "", "service", "host;x-amz-date",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", HOST DATE},
    {"get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", "", "service",
     "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
     HOST DATE},
    {"get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     "", "", "service", "host;x-amz-date",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f", HOST DATE},
    {"get-header-value-trim", "GET", "/", "", "", "service",
     "host;my-header1;my-header2;x-amz-date",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
     HOST "My-Header1:  value1\nMy-Header2:  \"a   b   c\"\n" DATE},
    {"get-header-key-duplicate", "GET", "/", "", "", "service", "host;my-header1;x-amz-date",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
     HOST "My-Header1: value2\nMy-Header1: value2\nMy-Header1: value1\n" DATE},
    {"post-vanilla", "POST", "/", "", "", "service", "host;x-amz-date",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", HOST DATE},
    {"post-x-www-form-urlencoded", "POST", "/", "", "Param1=value1", "service",
     "content-type;host;x-amz-date",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
     "Content-Type: application/x-www-form-urlencoded\n" HOST DATE},
    {"iam-list-users", "GET", "/", "Action=ListUsers&Version=2010-05-08", "", "iam",
     "content-type;host;x-amz-date",
     "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
     "Content-Type: application/x-www-form-urlencoded; charset=utf-8\n"
     "Host: iam.amazonaws.com\n" DATE},
};

/* The request that is signed so, with its Authorization as the last header. */
struct signed_request {
    struct http_request http;
    char *authorization, *headers;
};

static void auto_release_request(struct signed_request *r)
{
    free(r->authorization);
    free(r->headers);
}

static struct signed_request make_request(const struct vector *v)
{
    struct signed_request r = {
        {.method = v->method,
         .path = v->path,
         .query = v->query,
         .body = v->body,
         .body_len = strlen(v->body)},
        xasprintf("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/%s/aws4_request, "
                  "SignedHeaders=%s, Signature=%s",
                  v->service, v->signed_headers, v->signature),
        xstrdup(v->headers)};
    char *rest = r.headers;
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        char *name = strsep(&line, ":");
        r.http.headers[r.http.header_count++] = (struct http_header){name, line + 1};
    }
    r.http.headers[r.http.header_count++] = (struct http_header){"Authorization", r.authorization};
    return r;
}

TEST(accepts_published_vectors)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct sigv4_scope scope;
        AUTO(request) struct signed_request r = make_request(&vectors[i]);
        print_message("%s\n", vectors[i].name);
        assert_int_equal(sigv4_parse(&r.http, &scope), SIGV4_OK);
        assert_string_equal(scope.access_key, "AKIDEXAMPLE");
        assert_string_equal(scope.service, vectors[i].service);
        assert_int_equal(sigv4_verify(&r.http, &scope, SECRET, NOW_S), SIGV4_OK);
    }
}

TEST(refuses_changes)
{
    struct sigv4_scope scope;
    AUTO(request) struct signed_request r = make_request(&vectors[6]);
    assert_int_equal(sigv4_parse(&r.http, &scope), SIGV4_OK);
    assert_int_equal(sigv4_verify(&r.http, &scope, "another", NOW_S), SIGV4_MISMATCH);
    struct http_request changed[] = {r.http, r.http, r.http};
    changed[0].body = "Param1=value2";
    changed[1].query = "a=b";
    changed[2].method = "PUT";
    for (size_t i = 0; i < ARRAY_LEN(changed); i++)
        assert_int_equal(sigv4_verify(&changed[i], &scope, SECRET, NOW_S), SIGV4_MISMATCH);
}

TEST(refuses_old_and_future_dates)
{
    struct sigv4_scope scope;
    AUTO(request) struct signed_request r = make_request(&vectors[0]);
    assert_int_equal(sigv4_parse(&r.http, &scope), SIGV4_OK);
    assert_int_equal(sigv4_verify(&r.http, &scope, SECRET, NOW_S + 300), SIGV4_OK);
    assert_int_equal(sigv4_verify(&r.http, &scope, SECRET, NOW_S + 301), SIGV4_EXPIRED);
    assert_int_equal(sigv4_verify(&r.http, &scope, SECRET, NOW_S - 301), SIGV4_EXPIRED);
}

TEST(needs_host_and_amz_headers_signed)
{
    static const char *const broken[] = {
        "AWS4-HMAC-SHA256", "Bearer x", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host",
        /* host is not signed */
        ("AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=x-amz-date, "
         "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")};
    struct sigv4_scope scope;
    AUTO(request) struct signed_request r = make_request(&vectors[0]);
    r.http.headers[r.http.header_count++] =
        (struct http_header){"X-Amz-Target", "Logs_20140328.GetLogEvents"};
    assert_int_equal(sigv4_parse(&r.http, &scope), SIGV4_INCOMPLETE);
    r.http.header_count -= 2; /* without Authorization too */
    assert_int_equal(sigv4_parse(&r.http, &scope), SIGV4_MISSING);
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        r.http.headers[2] = (struct http_header){"Authorization", broken[i]};
        r.http.header_count = 3;
        assert_int_equal(sigv4_parse(&r.http, &scope), SIGV4_INCOMPLETE);
    }
}
