/* SPDX-License-Identifier: Apache-2.0
 *
 * The image routes: what the backend is asked, and what the client is told, both to the letter.
 */
#include "base/str.h"
#include "test/kit/frontend_talk.h"
#include "test/kit/test.h"

FRONT_GROUP(0);

#define ALICE "{\"username\":\"alice\",\"password\":\"s3cret?>\"}"
#define AUTH "X-Registry-Auth: "

/* A request on a connection of its own; more: headers, and a body behind them, or "". */
static struct client ask(const char *line, const char *more)
{
    AUTO_FREE char *text = xasprintf("%s" HOST "Connection: close\r\n%s%s", line, more,
                                     strstr(more, "\r\n\r\n") ? "" : "\r\n");
    return front_ask(text);
}

/* The status line and the last part of the answer. */
static void tell_at(const char *line, const char *more, const char *status, const char *end,
                    const char *file, int at)
{
    AUTO(client) struct client c = ask(line, more);
    const char *answer = client_read_all(&c);
    if (!answer || !strstr(answer, status) || c.in.len < strlen(end) ||
        strcmp(answer + c.in.len - strlen(end), end) != 0) {
        print_error("%s with \"%s\" at its end expected: %s\n", status, end, str_or_empty(answer));
        _fail(file, at);
    }
}
#define tell(line, status, end) tell_at(line, "", status, end, __FILE__, __LINE__)
#define tell_with(line, more, status, end) tell_at(line, more, status, end, __FILE__, __LINE__)

/* A streaming answer, its chunks put together. */
static char *stream(const char *line, const char *more, const char *type)
{
    struct buf body = BUF_INIT;
    AUTO(client) struct client c = ask(line, more);
    assert_contains(client_read_all(&c), "200 OK");
    assert_contains(c.in.data, type);
    char *at = strstr(c.in.data, "\r\n\r\n") + 4;
    for (size_t len; (len = strtoul(at, &at, 16)) != 0; at += 2 + len + 2)
        buf_append(&body, at + 2, len);
    assert_string_equal(at, "\r\n\r\n");
    return buf_steal(&body);
}

static char *progress(const char *line, const char *more)
{
    return stream(line, more, "application/json");
}

#define asked(text) assert_string_equal(front.fake.opened, text)

/* ---- unary ---- */

TEST(history)
{
    tell("GET /v1.44/images/oracle:full/history", "200 OK",
         "[{\"Comment\":\"\",\"Created\":1795293711,"
         "\"CreatedBy\":\"/bin/sh -c #(nop)  CMD [\\\"a\\\"]\",\"Id\":\"sha256:aa\","
         "\"Size\":0,\"Tags\":[\"oracle:full\"]},"
         "{\"Comment\":\"Imported from -\",\"Created\":0,\"CreatedBy\":\"\","
         "\"Id\":\"<missing>\",\"Size\":1984348,\"Tags\":null}]\n");
    tell("GET /images/nope/history", "404 Not Found",
         "{\"message\":\"No such image: nope:latest\"}\n");
}

TEST(tag)
{
    tell("POST /v1.41/images/r.io:5000/a/b:1/tag?repo=docker.io%2Flibrary%2Fx&tag=2", "201 Created",
         "Content-Length: 0\r\n\r\n");
    asked("tag r.io:5000/a/b:1 repo=docker.io/library/x tag=2");
    tell("POST /images/nope/tag", "404 Not Found", "nope:latest\"}\n");
    asked("tag nope repo= tag=");
}

TEST(remove)
{
    tell("DELETE /v1.44/images/m:1", "200 OK",
         "[{\"Untagged\":\"m:1\"},{\"Deleted\":\"sha256:aa\"}]\n");
    asked("remove m:1 force=0 noprune=0");
    tell("DELETE /images/r.io/a@sha256:aa?force=1&noprune=true", "200 OK", "]\n");
    asked("remove r.io/a@sha256:aa force=1 noprune=1");
    tell("DELETE /images/nope", "404 Not Found", "\"}\n");
    tell("DELETE /images/%20", "200 OK", "]\n");
    asked("remove   force=0 noprune=0");
}

TEST(prune)
{
    tell("POST /images/prune", "200 OK", "{\"ImagesDeleted\":null,\"SpaceReclaimed\":0}\n");
    tell("POST /images/prune?filters=%7B%22dangling%22%3A%7B%22true%22%3Atrue%7D%7D", "200 OK",
         "{\"ImagesDeleted\":[{\"Untagged\":\"m:1\"},{\"Deleted\":\"sha256:aa\"}],"
         "\"SpaceReclaimed\":1984348}\n");
    tell("POST /images/prune?filters=%7B", "400 Bad Request", "\"}\n");
}

TEST(distribution)
{
    tell("GET /distribution/r.io/a:1/json", "200 OK",
         "{\"Descriptor\":{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
         "\"digest\":\"sha256:aa\",\"size\":527},\"Platforms\":[{\"architecture\":\"arm\","
         "\"os\":\"linux\",\"variant\":\"v7\"}]}\n");
    asked("distribution r.io/a:1 auth=");
    tell("GET /distribution/empty/json", "200 OK", "\"Platforms\":null}\n");
    tell("GET /distribution/nope/json", "404 Not Found", "\"}\n");
}

static void check_login(const char *body, const char *status, const char *end)
{
    AUTO_FREE char *more = xasprintf("Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    tell_with("POST /v1.44/auth", more, status, end);
}

TEST(login)
{
    check_login("{\"username\":\"a\",\"password\":\"b\",\"serveraddress\":\"127.0.0.1:5000\"}",
                "200 OK", "{\"IdentityToken\":\"\",\"Status\":\"Login Succeeded\"}\n");
    asked("auth {\"username\":\"a\",\"password\":\"b\",\"serveraddress\":\"127.0.0.1:5000\"}");
    check_login("{\"password\":\"wrong\"}", "401 Unauthorized",
                "{\"message\":\"unauthorized: incorrect username or password\"}\n");
    check_login("", "500 Internal", "{\"message\":\"EOF\"}\n");
    check_login("null", "200 OK", "}\n");
    asked("auth {}");
    check_login("{\"a", "500 Internal", "\"}\n");
    check_login("[]", "500 Internal", "types.AuthConfig\"}\n");
}

TEST(login_too_long)
{
    AUTO_FREE char *body = xcalloc(1, 40001);
    memset(body, 'a', 40000);
    body[0] = body[39999] = '"';
    check_login(body, "500 Internal", "longer than 32768 bytes\"}\n");
}

/* ---- pull ---- */

static void pulled(const char *query, const char *want)
{
    AUTO_FREE char *line = xasprintf("POST /v1.44/images/create?%s", query);
    AUTO_FREE char *body = progress(line, "");
    assert_contains(body, "{\"status\":\"Pulling from library/busybox\",\"id\":\"1\"}\r\n");
    assert_contains(body, "\"progressDetail\":{\"current\":512,\"total\":1024}");
    asked(want);
}

TEST(pull_names)
{
    pulled("fromImage=busybox&tag=latest", "pull busybox tag=latest platform= auth=");
    pulled("fromImage=busybox", "pull busybox tag= platform= auth=");
    pulled("fromImage=busybox:&tag=&platform=linux/arm64",
           "pull busybox: tag= platform=linux/arm64 auth=");
    pulled("fromImage=r:5000/b:1@sha256:aa&tag=!!",
           "pull r:5000/b:1@sha256:aa tag=!! platform= auth=");
    tell("POST /images/create", "400 Bad Request", "\"}\n");
    tell("POST /images/create?fromImage=nope", "404 Not Found", "\"}\n");
}

/* A body is of no use to a pull, but no reason to lose the connection. */
TEST(pull_with_body)
{
    AUTO(client)
    struct client c = front_ask("POST /images/create?fromImage=b" HOST
                                "Content-Length: 5\r\n\r\nhelloGET /_ping" HOST "\r\n");
    client_expect(&c, "\r\n0\r\n\r\n");
    client_expect(&c, "\r\n\r\nOK");
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
            xasprintf(AUTH "%s\r\nX-Registry-Config: e30=\r\n", cases[i].value);
        AUTO_FREE char *pull = xasprintf("pull b tag=1 platform= auth=%s", cases[i].json);
        AUTO_FREE char *distribution = xasprintf("distribution b auth=%s", cases[i].json);
        free(progress("POST /images/create?fromImage=b&tag=1", header));
        asked(pull);
        tell_with("GET /distribution/b/json", header, "200 OK", "\n");
        asked(distribution);
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
    AUTO_FREE char *good = progress("POST /v1.44/images/r:5000/full/push?tag=1", AUTH "e30=\r\n");
    assert_string_equal(good, PUSHED "{\"progressDetail\":{},\"aux\":{\"Tag\":\"1\","
                                     "\"Digest\":\"sha256:aa\",\"Size\":527}}\r\n");
    asked("push r:5000/full tag=1 auth=");
    AUTO_FREE char *denied = progress("POST /images/denied/push", AUTH "bad!\r\n");
    assert_string_equal(denied, PUSHED "{\"errorDetail\":{\"message\":\"no basic auth "
                                       "credentials\"},\"error\":\"no basic auth "
                                       "credentials\"}\r\n");
    asked("push denied tag= auth=");
    tell_with("POST /images/nope/push", AUTH "e30=\r\n", "404 Not Found", "\"}\n");
}

TEST(push_without_header)
{
    tell("POST /v1.41/images/x/push?tag=1", "400 Bad Request",
         "{\"message\":\"Bad parameters and missing X-Registry-Auth: EOF\"}\n");
    free(progress("POST /images/x/push?tag=1", "Content-Length: 9\r\n\r\n{\"a\":\"b\"}"));
    asked("push x tag=1 auth={\"a\":\"b\"}");
}

/* ---- load, import, save ---- */

TEST(import)
{
    AUTO_FREE char *loaded =
        progress("POST /v1.41/images/create?changes=CMD+%5B%22sh%22%5D&changes=ENV+A%3Db&fromSrc=-"
                 "&message=a+message&repo=imp%3A2&tag=t&platform=linux%2Farm64",
                 "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "1\r\na\r\n0\r\n\r\n");
    assert_contains(loaded, "Loaded image: 1 bytes");
    asked("import - repo=imp:2 tag=t message=a message platform=linux/arm64 [CMD [\"sh\"]] "
          "[ENV A=b]");
    front.fake.body = BODY_REFUSE;
    tell("POST /images/create?fromSrc=http%3A%2F%2Fh%2Fx.tar", "503 Service Unavailable",
         "{\"message\":\"no room\"}\n");
    asked("import http://h/x.tar repo= tag= message= platform=");
    front.fake.body = BODY_COUNT;
}

TEST(load_quiet)
{
    free(progress("POST /images/load", ""));
    asked("load quiet=1");
    free(progress("POST /images/load?quiet=0", ""));
    asked("load quiet=0");
}

TEST(save)
{
    free(stream("GET /images/get?names=a%3A1&x=y&names=b", "", "application/x-tar"));
    asked("save a:1 b");
    free(stream("GET /images/get", "", "application/x-tar"));
    asked("save");
    tell("GET /images/nope/get", "404 Not Found", "{\"message\":\"No such image: nope\"}\n");
    AUTO(client) struct client c = front_ask("GET /images/r.io/a:1/get" HOST "\r\n");
    client_read_len(&c, SAVE_BYTES);
    asked("save r.io/a:1");
    front_ask_anew(&c, "GET /images/broken/get" HOST "\r\n");
    client_read_all(&c);
    assert_true(c.in.len > SAVE_BYTES);
    assert_memory_not_equal(c.in.data + c.in.len - 5, "0\r\n\r\n", 5);
}
