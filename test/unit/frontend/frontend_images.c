/* SPDX-License-Identifier: Apache-2.0
 *
 * The image routes: what the backend is asked, and what the client is told, both to the letter.
 */
#include "test/kit/frontend_harness.h"
#include "test/kit/test.h"

static struct harness h;

static int setup(void **state)
{
    (void)state;
    h.options = (struct http_server_options){0};
    harness_start(&h, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_stop(&h);
    return 0;
}

#define HOST " HTTP/1.1\r\nHost: x\r\n"
#define CLOSE "Connection: close\r\n"
#define ALICE "{\"username\":\"alice\",\"password\":\"s3cret?>\"}"

/* One request on a connection of its own: status line and the last part of the answer. */
static void exchange(const char *request, const char *status, const char *end)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, request);
    client_read_all(&c);
    assert_non_null(c.in.data);
    assert_contains(c.in.data, status);
    size_t len = strlen(end);
    if (c.in.len < len || strcmp(c.in.data + c.in.len - len, end) != 0)
        fail_msg("\"%s\" is not the end of: %s", end, c.in.data);
    client_close(&c);
}

/* A streaming answer, its chunks put together. */
static char *stream(const char *request, const char *status, const char *type)
{
    struct client c;
    struct buf body = BUF_INIT;
    client_open(&c, &h);
    client_send(&c, request);
    client_read_all(&c);
    assert_contains(c.in.data, status);
    assert_contains(c.in.data, type);
    char *at = strstr(c.in.data, "\r\n\r\n") + 4;
    for (size_t len; (len = strtoul(at, &at, 16)) != 0; at += 2 + len + 2)
        buf_append(&body, at + 2, len);
    assert_string_equal(at, "\r\n\r\n");
    client_close(&c);
    return buf_steal(&body);
}

#define asked(text) assert_string_equal(h.fake.opened, text)

/* ---- unary ---- */

TEST(history)
{
    exchange("GET /v1.44/images/oracle:full/history" HOST CLOSE "\r\n", "200 OK",
             "[{\"Comment\":\"\",\"Created\":1795293711,"
             "\"CreatedBy\":\"/bin/sh -c #(nop)  CMD [\\\"a\\\"]\",\"Id\":\"sha256:aa\","
             "\"Size\":0,\"Tags\":[\"oracle:full\"]},"
             "{\"Comment\":\"Imported from -\",\"Created\":0,\"CreatedBy\":\"\","
             "\"Id\":\"<missing>\",\"Size\":1984348,\"Tags\":null}]\n");
    exchange("GET /images/nope/history" HOST CLOSE "\r\n", "404 Not Found",
             "{\"message\":\"No such image: nope:latest\"}\n");
}

TEST(tag)
{
    exchange("POST /v1.41/images/r.io:5000/a/b:1/tag?repo=docker.io%2Flibrary%2Fx&tag=2" HOST CLOSE
             "\r\n",
             "201 Created", "Content-Length: 0\r\n\r\n");
    asked("tag r.io:5000/a/b:1 repo=docker.io/library/x tag=2");
    exchange("POST /images/nope/tag" HOST CLOSE "\r\n", "404 Not Found", "nope:latest\"}\n");
    asked("tag nope repo= tag=");
}

TEST(remove)
{
    exchange("DELETE /v1.44/images/m:1" HOST CLOSE "\r\n", "200 OK",
             "[{\"Untagged\":\"m:1\"},{\"Deleted\":\"sha256:aa\"}]\n");
    asked("remove m:1 force=0 noprune=0");
    exchange("DELETE /images/r.io/a@sha256:aa?force=1&noprune=true" HOST CLOSE "\r\n", "200 OK",
             "]\n");
    asked("remove r.io/a@sha256:aa force=1 noprune=1");
    exchange("DELETE /images/nope" HOST CLOSE "\r\n", "404 Not Found", "\"}\n");
    exchange("DELETE /images/%20" HOST CLOSE "\r\n", "200 OK", "]\n");
    asked("remove   force=0 noprune=0");
}

TEST(prune)
{
    exchange("POST /images/prune" HOST CLOSE "\r\n", "200 OK",
             "{\"ImagesDeleted\":null,\"SpaceReclaimed\":0}\n");
    exchange("POST /images/prune?filters=%7B%22dangling%22%3A%7B%22true%22%3Atrue%7D%7D" HOST CLOSE
             "\r\n",
             "200 OK",
             "{\"ImagesDeleted\":[{\"Untagged\":\"m:1\"},{\"Deleted\":\"sha256:aa\"}],"
             "\"SpaceReclaimed\":1984348}\n");
    exchange("POST /images/prune?filters=%7B" HOST CLOSE "\r\n", "400 Bad Request", "\"}\n");
}

TEST(distribution)
{
    exchange("GET /distribution/r.io/a:1/json" HOST CLOSE "\r\n", "200 OK",
             "{\"Descriptor\":{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
             "\"digest\":\"sha256:aa\",\"size\":527},\"Platforms\":[{\"architecture\":\"arm\","
             "\"os\":\"linux\",\"variant\":\"v7\"}]}\n");
    asked("distribution r.io/a:1 auth=");
    exchange("GET /distribution/empty/json" HOST CLOSE "\r\n", "200 OK", "\"Platforms\":null}\n");
    exchange("GET /distribution/nope/json" HOST CLOSE "\r\n", "404 Not Found", "\"}\n");
}

#define LOGIN(length, body) "POST /v1.44/auth" HOST CLOSE "Content-Length: " length "\r\n\r\n" body

TEST(login)
{
    exchange(
        LOGIN("64", "{\"username\":\"a\",\"password\":\"b\",\"serveraddress\":\"127.0.0.1:5000\"}"),
        "200 OK", "{\"IdentityToken\":\"\",\"Status\":\"Login Succeeded\"}\n");
    asked("auth {\"username\":\"a\",\"password\":\"b\",\"serveraddress\":\"127.0.0.1:5000\"}");
    exchange(LOGIN("20", "{\"password\":\"wrong\"}"), "401 Unauthorized",
             "{\"message\":\"unauthorized: incorrect username or password\"}\n");
    exchange(LOGIN("0", ""), "500 Internal", "{\"message\":\"EOF\"}\n");
    exchange(LOGIN("4", "null"), "200 OK", "}\n");
    asked("auth {}");
    exchange(LOGIN("3", "{\"a"), "500 Internal", "\"}\n");
    exchange(LOGIN("2", "[]"), "500 Internal", "types.AuthConfig\"}\n");
}

TEST(login_too_long)
{
    enum { LENGTH = 40000 };
    struct buf request = BUF_INIT;
    buf_printf(&request, "POST /auth" HOST CLOSE "Content-Length: %d\r\n\r\n\"", LENGTH);
    for (int i = 0; i < LENGTH - 2; i++)
        buf_putc(&request, 'a');
    buf_putc(&request, '"');
    exchange(request.data, "500 Internal", "longer than 32768 bytes\"}\n");
    buf_free(&request);
}

/* ---- pull ---- */

static void pulled(const char *query, const char *want)
{
    AUTO_FREE char *request = xasprintf("POST /v1.44/images/create?%s" HOST CLOSE "\r\n", query);
    AUTO_FREE char *body = stream(request, "200 OK", "application/json");
    assert_contains(body, "{\"status\":\"Pulling from library/busybox\",\"id\":\"1\"}\r\n");
    asked(want);
}

TEST(pull_names)
{
    pulled("fromImage=busybox&tag=latest", "pull busybox tag=latest platform= auth=");
    pulled("fromImage=busybox", "pull busybox tag= platform= auth=");
    pulled("fromImage=busybox:&tag=&platform=linux/arm64",
           "pull busybox: tag= platform=linux/arm64 auth=");
    pulled("fromImage=r:5000/b:1@sha256:aa&tag=!!", "pull r:5000/b:1@sha256:aa tag=!! platform= "
                                                    "auth=");
    exchange("POST /images/create" HOST CLOSE "\r\n", "400 Bad Request", "\"}\n");
    exchange("POST /images/create?fromImage=nope" HOST CLOSE "\r\n", "404 Not Found", "\"}\n");
}

/* A body is of no use to a pull, but no reason to lose the connection. */
TEST(pull_with_body)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, "POST /images/create?fromImage=b" HOST
                    "Content-Length: 5\r\n\r\nhelloGET /_ping" HOST "\r\n");
    client_expect(&c, "\r\n0\r\n\r\n");
    client_expect(&c, "\r\n\r\nOK");
    client_close(&c);
}

TEST(auth_header)
{
    static const struct {
        const char *value, *json;
    } cases[] = {
        {"eyJ1c2VybmFtZSI6ImFsaWNlIiwicGFzc3dvcmQiOiJzM2NyZXQ_PiJ9", ALICE},
        {"eyJ1c2VybmFtZSI6ImFsaWNlIiwicGFzc3dvcmQiOiJzM2NyZXQ/PiJ9", ALICE},
        {"eyJhIjoiYiJ9Cg==", "{\"a\":\"b\"}\n"},
        {"eyJhIjoiYiJ9Cg", "{\"a\":\"b\"}\n"},
        {"e30=", ""},
        {"e30", ""},
        {"bm90IGpzb24=", ""},
        {"notbase64!!", ""},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *header =
            xasprintf("X-Registry-Auth: %s\r\nX-Registry-Config: e30=\r\n", cases[i].value);
        AUTO_FREE char *pull =
            xasprintf("POST /images/create?fromImage=b&tag=1" HOST CLOSE "%s\r\n", header);
        AUTO_FREE char *want = xasprintf("pull b tag=1 platform= auth=%s", cases[i].json);
        free(stream(pull, "200 OK", "application/json"));
        asked(want);
        AUTO_FREE char *get = xasprintf("GET /distribution/b/json" HOST CLOSE "%s\r\n", header);
        AUTO_FREE char *note = xasprintf("distribution b auth=%s", cases[i].json);
        exchange(get, "200 OK", "\n");
        asked(note);
    }
}

/* ---- push ---- */

#define PUSHED                                                                                     \
    "{\"status\":\"The push refers to repository [r/full]\"}\r\n"                                  \
    "{\"status\":\"Preparing\",\"progressDetail\":{},\"id\":\"b3768bb74ce2\"}\r\n"                 \
    "{\"status\":\"Pushing\",\"progressDetail\":{\"current\":19968,\"total\":1984348},"            \
    "\"progress\":\"[>                                                  ]  19.97kB/1.984MB\","     \
    "\"id\":\"b3768bb74ce2\"}\r\n"

TEST(push)
{
    AUTO_FREE char *good = stream("POST /v1.44/images/r:5000/full/push?tag=1" HOST CLOSE
                                  "X-Registry-Auth: e30=\r\n\r\n",
                                  "200 OK", "application/json");
    assert_string_equal(good, PUSHED "{\"progressDetail\":{},\"aux\":{\"Tag\":\"1\","
                                     "\"Digest\":\"sha256:aa\",\"Size\":527}}\r\n");
    asked("push r:5000/full tag=1 auth=");
    AUTO_FREE char *denied =
        stream("POST /images/denied/push" HOST CLOSE "X-Registry-Auth: bad!\r\n\r\n", "200 OK",
               "application/json");
    assert_string_equal(denied, PUSHED "{\"errorDetail\":{\"message\":\"no basic auth "
                                       "credentials\"},\"error\":\"no basic auth "
                                       "credentials\"}\r\n");
    asked("push denied tag= auth=");
    exchange("POST /images/nope/push" HOST CLOSE "X-Registry-Auth: e30=\r\n\r\n", "404 Not Found",
             "\"}\n");
}

TEST(push_without_header)
{
    exchange("POST /v1.41/images/x/push?tag=1" HOST CLOSE "\r\n", "400 Bad Request",
             "{\"message\":\"Bad parameters and missing X-Registry-Auth: EOF\"}\n");
    free(stream("POST /images/x/push?tag=1" HOST CLOSE "Content-Length: 9\r\n\r\n{\"a\":\"b\"}",
                "200 OK", "application/json"));
    asked("push x tag=1 auth={\"a\":\"b\"}");
}

/* ---- load, import, save ---- */

TEST(import)
{
    AUTO_FREE char *loaded =
        stream("POST /v1.41/images/create?changes=CMD+%5B%22sh%22%5D&changes=ENV+A%3Db&fromSrc=-"
               "&message=a+message&repo=imp%3A2&tag=t&platform=linux%2Farm64" HOST CLOSE
               "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
               "200 OK", "application/json");
    assert_contains(loaded, "Loaded image: 1 bytes");
    asked("import - repo=imp:2 tag=t message=a message platform=linux/arm64 [CMD [\"sh\"]] "
          "[ENV A=b]");
    h.fake.body = BODY_REFUSE;
    exchange("POST /images/create?fromSrc=http%3A%2F%2Fh%2Fx.tar" HOST CLOSE "\r\n",
             "503 Service Unavailable", "{\"message\":\"no room\"}\n");
    asked("import http://h/x.tar repo= tag= message= platform=");
    h.fake.body = BODY_COUNT;
}

TEST(load_quiet)
{
    free(stream("POST /images/load" HOST CLOSE "\r\n", "200 OK", "application/json"));
    asked("load quiet=1");
    free(stream("POST /images/load?quiet=0" HOST CLOSE "\r\n", "200 OK", "application/json"));
    asked("load quiet=0");
}

TEST(save)
{
    struct client c;
    free(stream("GET /images/get?names=a%3A1&x=y&names=b" HOST CLOSE "\r\n", "200 OK",
                "application/x-tar"));
    asked("save a:1 b");
    free(stream("GET /images/get" HOST CLOSE "\r\n", "200 OK", "application/x-tar"));
    asked("save");
    exchange("GET /images/nope/get" HOST CLOSE "\r\n", "404 Not Found",
             "{\"message\":\"No such image: nope\"}\n");
    client_open(&c, &h);
    client_send(&c, "GET /images/r.io/a:1/get" HOST "\r\n");
    client_read_len(&c, SAVE_BYTES);
    asked("save r.io/a:1");
    client_close(&c);
    client_open(&c, &h);
    client_send(&c, "GET /images/broken/get" HOST "\r\n");
    client_read_all(&c);
    assert_true(c.in.len > SAVE_BYTES);
    assert_memory_not_equal(c.in.data + c.in.len - 5, "0\r\n\r\n", 5);
    client_close(&c);
}

TEST_GROUP(setup, teardown);
