/* SPDX-License-Identifier: Apache-2.0
 *
 * Benchmark client: one kept-alive unix connection, requests one after another, medians. Knows no
 * daemon: run.sh starts both sides and compares what this prints, lines "NAME VALUE UNIT"; start.sh
 * takes the lines of `run`, "run-times BEGIN PROCESS END" (ns).
 *
 * Usage: bench SOCKET [NAME…]      (NAMEs: see the table at the end; default: all)
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    LIST_CONTAINERS = 1000,
    SAMPLES_MAX = 5000,
    TIMEOUT_S = 120,
    ATTACH_MEGABYTES = 300,
};

static const char CREATE_BODY[] =
    "{\"Image\":\"busybox\",\"Cmd\":[\"true\"],\"Env\":[\"A=1\",\"B=2\"],"
    "\"Labels\":{\"bench\":\"1\",\"purpose\":\"list\"},"
    "\"HostConfig\":{\"NetworkMode\":\"default\",\"RestartPolicy\":{\"Name\":\"no\"}}}";

struct connection {
    int fd;
    char buffer[256 * 1024];
    size_t start, end;
};

/* The answer to the last request; body grows as needed and is kept between requests. */
struct answer {
    int status;
    char *body;
    size_t len, cap;
};

static const char *socket_path;
static struct connection keep; /* the kept-alive connection */
static struct answer answer;

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("bench: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

static void connection_open(struct connection *c)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    if (strlen(socket_path) >= sizeof address.sun_path)
        fail("%s: too long for a socket", socket_path);
    strcpy(address.sun_path, socket_path);
    c->start = c->end = 0;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address))
        fail("%s: %s", socket_path, strerror(errno));
}

static void connection_send(struct connection *c, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
        if (n < 0)
            fail("send: %s", strerror(errno));
        data += n;
        len -= (size_t)n;
    }
}

/* More bytes into the buffer; 0 at the end of the stream. */
static size_t connection_fill(struct connection *c)
{
    if (c->start == c->end)
        c->start = c->end = 0;
    if (c->end == sizeof c->buffer) {
        memmove(c->buffer, c->buffer + c->start, c->end - c->start);
        c->end -= c->start;
        c->start = 0;
    }
    if (c->end == sizeof c->buffer)
        fail("a line longer than the buffer");
    ssize_t n = recv(c->fd, c->buffer + c->end, sizeof c->buffer - c->end, 0);
    if (n < 0)
        fail("receive: %s", strerror(errno));
    c->end += (size_t)n;
    return (size_t)n;
}

/* The next line without CR LF; valid until the next read. */
static char *connection_line(struct connection *c)
{
    for (size_t seen = 0;;) {
        char *from = c->buffer + c->start;
        char *end = memmem(from + seen, c->end - c->start - seen, "\r\n", 2);
        if (end) {
            *end = '\0';
            c->start += (size_t)(end - from) + 2;
            return from;
        }
        seen = c->end - c->start ? c->end - c->start - 1 : 0;
        if (!connection_fill(c))
            fail("connection closed inside a line");
    }
}

static void body_append(const char *data, size_t len)
{
    if (answer.len + len + 1 > answer.cap) {
        answer.cap = (answer.len + len + 1) * 2;
        answer.body = realloc(answer.body, answer.cap);
        if (!answer.body)
            fail("out of memory");
    }
    memcpy(answer.body + answer.len, data, len);
    answer.len += len;
    answer.body[answer.len] = '\0';
}

static void body_take(struct connection *c, size_t len)
{
    while (len) {
        if (c->start == c->end && !connection_fill(c))
            fail("connection closed inside a body");
        size_t n = c->end - c->start < len ? c->end - c->start : len;
        body_append(c->buffer + c->start, n);
        c->start += n;
        len -= n;
    }
}

static void body_take_chunks(struct connection *c)
{
    size_t size;
    while ((size = strtoul(connection_line(c), NULL, 16))) {
        body_take(c, size);
        connection_line(c);
    }
    connection_line(c);
}

/* Status line and headers; then the body unless the answer took over the connection. */
static void answer_read(struct connection *c, bool hijack)
{
    const char *line = connection_line(c);
    long length = 0;
    bool chunked = false;
    if (strncmp(line, "HTTP/1.1 ", 9))
        fail("not HTTP: %.60s", line);
    answer.status = atoi(line + 9);
    answer.len = 0;
    body_append("", 0);
    while (*(line = connection_line(c))) {
        if (!strncasecmp(line, "Content-Length:", 15))
            length = atol(line + 15);
        else if (!strncasecmp(line, "Transfer-Encoding: chunked", 26))
            chunked = true;
    }
    if (hijack && (answer.status == 101 || answer.status == 200))
        return;
    if (chunked)
        body_take_chunks(c);
    else if (answer.status != 204 && answer.status != 304)
        body_take(c, (size_t)length);
}

static void request(struct connection *c, const char *method, const char *target, const char *body,
                    bool hijack)
{
    char head[2048];
    size_t len = body ? strlen(body) : 0;
    int n = snprintf(head, sizeof head,
                     "%s %s HTTP/1.1\r\nHost: docker\r\n%sContent-Length: %zu\r\n%s\r\n", method,
                     target, hijack ? "Connection: Upgrade\r\nUpgrade: tcp\r\n" : "", len,
                     body ? "Content-Type: application/json\r\n" : "");
    char whole[8192];
    if ((size_t)n + len > sizeof whole)
        fail("request too long");
    memcpy(whole, head, (size_t)n);
    memcpy(whole + n, body ? body : "", len);
    connection_send(c, whole, (size_t)n + len);
    answer_read(c, hijack);
}

/* A request on the kept connection that must give `status`. */
static void call(const char *method, int status, const char *body, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void call(const char *method, int status, const char *body, const char *fmt, ...)
{
    char target[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(target, sizeof target, fmt, args);
    va_end(args);
    request(&keep, method, target, body, false);
    if (answer.status != status)
        fail("%s %s: %d %.200s", method, target, answer.status, answer.body);
}

static void answer_id(char id[65])
{
    const char *at = strstr(answer.body, "\"Id\":\"");
    if (!at || sscanf(at + 6, "%64[0-9a-f]", id) != 1)
        fail("no Id in %.200s", answer.body);
}

static void container_create(char id[65], const char *body)
{
    call("POST", 201, body, "/containers/create");
    answer_id(id);
}

static void container_remove(const char *id)
{
    call("DELETE", 204, NULL, "/containers/%s?force=1", id);
}

/* Bytes of a hijacked stream to its end. */
static size_t stream_drain(struct connection *c)
{
    size_t total = c->end - c->start;
    do {
        c->start = c->end = 0;
        size_t n = connection_fill(c);
        if (!n)
            return total;
        total += n;
    } while (true);
}

/* ---- measurements ---------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *name, double *samples, size_t count)
{
    qsort(samples, count, sizeof *samples, compare_doubles);
    printf("%s %.4f ms\n", name, samples[count / 2]);
    fflush(stdout);
}

/* Runs `once` count times after a few rounds of warming up. */
static void measure(const char *name, size_t count, void (*once)(const char *id), const char *id)
{
    static double samples[SAMPLES_MAX];
    for (size_t i = 0; i < count / 10 + 1; i++)
        once(id);
    for (size_t i = 0; i < count; i++) {
        double start = now_ms();
        once(id);
        samples[i] = now_ms() - start;
    }
    report(name, samples, count);
}

static void once_ping(const char *id)
{
    (void)id;
    call("GET", 200, NULL, "/_ping");
}

static void once_inspect(const char *id)
{
    call("GET", 200, NULL, "/containers/%s/json", id);
}

static void once_list(const char *id)
{
    (void)id;
    call("GET", 200, NULL, "/containers/json?all=1");
}

/* create + start of the stream + its end + inspect, as the CLI does it: the stream has a
 * connection of its own. */
static void once_exec(const char *id)
{
    char exec_id[65], target[128];
    static struct connection stream;
    call("POST", 201, "{\"AttachStdout\":true,\"AttachStderr\":true,\"Cmd\":[\"true\"]}",
         "/containers/%s/exec", id);
    answer_id(exec_id);
    snprintf(target, sizeof target, "/exec/%s/start", exec_id);
    connection_open(&stream);
    request(&stream, "POST", target, "{\"Detach\":false,\"Tty\":false}", true);
    if (answer.status != 101)
        fail("exec start: %d %.200s", answer.status, answer.body);
    stream_drain(&stream);
    close(stream.fd);
    call("GET", 200, NULL, "/exec/%s/json", exec_id);
    if (!strstr(answer.body, "\"ExitCode\":0"))
        fail("exec: %.200s", answer.body);
}

static void bench_ping(void)
{
    measure("ping", 3000, once_ping, NULL);
}

static void bench_inspect(void)
{
    char id[65];
    container_create(id, CREATE_BODY);
    measure("inspect", 2000, once_inspect, id);
    container_remove(id);
}

/* Creating and listing a thousand; what was created is removed in any order. */
static void bench_create_and_list(void)
{
    static char ids[LIST_CONTAINERS][65];
    static double samples[LIST_CONTAINERS];
    for (size_t i = 0; i < LIST_CONTAINERS; i++) {
        double start = now_ms();
        container_create(ids[i], CREATE_BODY);
        samples[i] = now_ms() - start;
    }
    report("create", samples, LIST_CONTAINERS);
    measure("list-1000", 30, once_list, NULL);
    for (size_t i = 0; i < LIST_CONTAINERS; i++)
        container_remove(ids[i]);
}

static void bench_exec(void)
{
    char id[65];
    container_create(id, "{\"Image\":\"busybox\",\"Cmd\":[\"tail\",\"-f\",\"/dev/null\"]}");
    call("POST", 204, NULL, "/containers/%s/start", id);
    measure("exec-true", 60, once_exec, id);
    container_remove(id);
}

/* Attach before start, read to the end. With the default log driver on both sides. */
static void bench_attach(void)
{
    char id[65], target[128], body[256];
    static struct connection stream;
    snprintf(body, sizeof body,
             "{\"Image\":\"busybox\",\"AttachStdout\":true,"
             "\"Cmd\":[\"dd\",\"if=/dev/zero\",\"bs=64k\",\"count=%d\"]}",
             ATTACH_MEGABYTES * 16);
    container_create(id, body);
    snprintf(target, sizeof target, "/containers/%s/attach?stream=1&stdout=1", id);
    connection_open(&stream);
    request(&stream, "POST", target, NULL, true);
    if (answer.status != 101)
        fail("attach: %d %.200s", answer.status, answer.body);
    call("POST", 204, NULL, "/containers/%s/start", id);
    double start = now_ms();
    size_t got = stream_drain(&stream);
    double seconds = (now_ms() - start) / 1e3;
    close(stream.fd);
    if (got < (size_t)ATTACH_MEGABYTES * 1024 * 1024)
        fail("attach: only %zu bytes", got);
    printf("attach-throughput %.1f MB/s\n", (double)got / 1e6 / seconds);
    fflush(stdout);
    container_remove(id);
}

static long long clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* `docker run --rm` as the CLI does it: attached, and waiting for the removal from before the
 * start. The process prints when it ran, in hundredths of a second since the machine's
 * boot. */
static void run_once(void)
{
    static struct connection stream, wait;
    char id[65], target[128], printed[128];
    double uptime_s;
    long long begin = clock_ns(CLOCK_REALTIME);
    container_create(
        id, "{\"Image\":\"busybox\",\"Cmd\":[\"cat\",\"/proc/uptime\"],\"AttachStdout\":true,"
            "\"Tty\":true,\"HostConfig\":{\"AutoRemove\":true}}");
    snprintf(target, sizeof target, "/containers/%s/attach?stream=1&stdout=1", id);
    connection_open(&stream);
    request(&stream, "POST", target, NULL, true);
    snprintf(target, sizeof target, "/containers/%s/wait?condition=removed", id);
    connection_open(&wait);
    request(&wait, "POST", target, NULL, true); /* the head; the body comes at the end */
    call("POST", 204, NULL, "/containers/%s/start", id);
    while (!memmem(stream.buffer + stream.start, stream.end - stream.start, "\n", 1))
        if (!connection_fill(&stream))
            break;
    snprintf(printed, sizeof printed, "%.*s", (int)(stream.end - stream.start),
             stream.buffer + stream.start);
    if (sscanf(printed, "%lf", &uptime_s) != 1)
        fail("not an uptime: %s", printed);
    while (!memmem(wait.buffer + wait.start, wait.end - wait.start, "StatusCode\":0", 13))
        if (!connection_fill(&wait))
            fail("wait ended without a status");
    long long boot = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
    printf("run-times %lld %lld %lld\n", begin, boot + (long long)(uptime_s * 1e9),
           clock_ns(CLOCK_REALTIME));
    fflush(stdout);
    close(stream.fd);
    close(wait.fd);
}

enum { RUNS = 6 }; /* the first warms up */

static void bench_run(void)
{
    for (int i = 0; i < RUNS; i++)
        run_once();
}

static const struct {
    const char *name;
    void (*run)(void);
    bool asked_only; /* not part of all */
} BENCHES[] = {
    {"ping", bench_ping, false},
    {"inspect", bench_inspect, false},
    {"create-list", bench_create_and_list, false},
    {"exec", bench_exec, false},
    {"attach", bench_attach, false},
    {"run", bench_run, true},
};

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        if (!strcmp(argv[i], name))
            return true;
    return argc < 3;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        fail("usage: bench SOCKET [ping|inspect|create-list|exec|attach|run]…");
    socket_path = argv[1];
    connection_open(&keep);
    for (size_t i = 0; i < sizeof BENCHES / sizeof *BENCHES; i++)
        if (wanted(BENCHES[i].name, argc, argv) && (argc > 2 || !BENCHES[i].asked_only))
            BENCHES[i].run();
    close(keep.fd);
    free(answer.body);
    return 0;
}
