/* SPDX-License-Identifier: Apache-2.0
 *
 * Log tee and log record parser: what goes through both comes out as it was.
 */
#include "agent/log_tee.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/log_label.h"
#include "base/log_record.h"
#include "base/timefmt.h"
#include "ipc/frame.h"
#include "test/kit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fixture {
    struct loop loop;
    struct log_tee *tee;
    int read_fd, write_fd;
    struct buf log, marks;
    unsigned drained;
} f;

static void on_drained(void *owner)
{
    (void)owner;
    f.drained++;
}

static void on_mark_written(void *owner, const char *text, size_t len)
{
    (void)owner;
    buf_append(&f.marks, text, len);
    buf_puts(&f.marks, ";");
}

static void on_recorded(void *owner)
{
    (void)owner;
}

static const struct log_tee_events events = {on_drained, on_mark_written, on_recorded};

static void fixture_open_as(enum log_lines lines)
{
    struct error err;
    int ends[2];
    f = (struct fixture){0};
    assert_int_equal(loop_init(&f.loop, &err), 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    f.read_fd = ends[0];
    f.write_fd = ends[1];
    assert_int_equal(fcntl(f.read_fd, F_SETFL, O_NONBLOCK), 0);
    f.tee = log_tee_open(&f.loop, f.write_fd, lines, &events, NULL);
}

static void fixture_open(void)
{
    fixture_open_as(LOG_LINES_TEXT);
}

/* What the log driver has received by now. */
static void fixture_collect(void)
{
    for (;;) {
        ssize_t n = f.read_fd < 0 ? -1 : read(f.read_fd, buf_reserve(&f.log, 65536), 65536);
        if (n > 0) {
            buf_commit(&f.log, (size_t)n);
            uv_run(&f.loop.uv, UV_RUN_NOWAIT);
        } else if (log_tee_flushed(f.tee)) {
            return;
        } else {
            uv_run(&f.loop.uv, UV_RUN_ONCE);
        }
    }
}

static void fixture_close(void)
{
    log_tee_close(f.tee);
    loop_fini(&f.loop);
    if (f.read_fd >= 0)
        close(f.read_fd);
    close(f.write_fd);
    buf_free(&f.log);
    buf_free(&f.marks);
}

TEST_RIG(fixture, fixture_open(), fixture_close());

static void put(uint8_t type, const char *text)
{
    log_tee_output(f.tee, type, text, strlen(text));
}

TEST_USING(fixture, format)
{
    put(FRAME_STDOUT, "plain\nhal");
    put(FRAME_STDERR, "error\nunfinished");
    put(FRAME_STDOUT, "f\n\n\x01odd\n");
    put(FRAME_STDOUT, "rest");
    log_tee_exit(f.tee, 137);
    fixture_collect();
    assert_string_equal(f.log.data, "plain\n\001eerror\nhalf\n\x01o\n\x01o\x01odd\n\x01prest\n"
                                    "\x01qunfinished\n\x01x137 8\n");
}

TEST_USING(fixture, marks)
{
    put(FRAME_STDOUT, "a");
    assert_true(log_tee_mark(f.tee, "m1\n", 3));
    put(FRAME_STDOUT, "b\n");
    assert_true(log_tee_mark(f.tee, "", 0));
    fixture_collect();
    assert_string_equal(f.log.data, "\x01pa\n\x01mm1 \nb\n\x01m\n");
    assert_string_equal(f.marks.data, "m1\n;;");
    char long_text[LOG_TEE_MARK_TEXT_MAX + 1] = {0};
    assert_false(log_tee_mark(f.tee, long_text, sizeof long_text));
}

TEST_USING(fixture, too_many_marks)
{
    char *filling = calloc(1, 300000);
    assert_non_null(filling);
    memset(filling, '\n', 300000);
    log_tee_output(f.tee, FRAME_STDERR, filling, 300000);
    for (int i = 0; i < LOG_TEE_MARKS_MAX; i++)
        assert_true(log_tee_mark(f.tee, "m", 1));
    assert_false(log_tee_mark(f.tee, "m", 1));
    assert_int_equal(f.marks.len, 0);
    fixture_collect();
    assert_int_equal(f.marks.len, 2 * LOG_TEE_MARKS_MAX);
    free(filling);
}

/* A reader that stands still: full, queued, nothing lost, and drained when it goes on. */
TEST_USING(fixture, full_and_drained)
{
    size_t written = 0;
    char line[1024];
    memset(line, 'l', sizeof line);
    line[sizeof line - 1] = '\n';
    while (!log_tee_full(f.tee)) {
        log_tee_output(f.tee, FRAME_STDOUT, line, sizeof line);
        written += sizeof line;
    }
    assert_true(written >= LOG_TEE_QUEUE_MAX);
    assert_int_equal(f.drained, 0);
    fixture_collect();
    assert_false(log_tee_full(f.tee));
    assert_true(f.drained > 0);
    fixture_collect();
    size_t anchors = 0;
    for (const char *at = f.log.data; (at = strstr(at, "\x01m#")); at++)
        anchors += strlen("\x01m#") + strcspn(at + 3, "\n") + 1;
    assert_true(anchors > 0);
    assert_int_equal(f.log.len, written + anchors);
}

TEST_USING(fixture, broken_stdout)
{
    signal(SIGPIPE, SIG_IGN);
    close(f.read_fd);
    f.read_fd = -1;
    put(FRAME_STDOUT, "nobody reads this\n");
    assert_true(log_tee_flushed(f.tee));
    assert_true(log_tee_mark(f.tee, "m", 1));
    assert_string_equal(f.marks.data, "m;");
    put(FRAME_STDOUT, "nor this\n");
    log_tee_exit(f.tee, 0);
}

TEST_USING(fixture, plain_file)
{
    char path[] = "/tmp/agent-tee-XXXXXX";
    char text[64] = "";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct log_tee *tee = log_tee_open(&f.loop, fd, LOG_LINES_TEXT, &events, NULL);
    log_tee_output(tee, FRAME_STDERR, "x\n", 2);
    log_tee_exit(tee, 0);
    assert_true(log_tee_flushed(tee));
    assert_int_equal(pread(fd, text, sizeof text - 1, 0), 10);
    assert_string_equal(text, "\001ex\n\x01x0 2\n");
    log_tee_close(tee);
    close(fd);
    unlink(path);
}

/* ---- round trip ---- */

/* A structured line's record: what a collector makes of it, and what a driver makes of that. */
static size_t record_of_structured(const char *line, size_t len, uint64_t number, char *record)
{
    struct log_label label;
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    if (!object)
        fail_msg("line %llu is not JSON", (unsigned long long)number);
    const json_t *labels = json_object_get(object, LOG_LABEL_FIELD);
    const json_t *message = json_object_get(object, "message");
    assert_true(log_label_parse(json_string_value(json_object_get(labels, LOG_LABEL_KEY)), &label));
    assert_int_equal(label.number, number);
    record[0] = LOG_RECORD_ESCAPE;
    record[1] = label.letter;
    assert_true(json_string_length(message) > 0); /* some services drop an empty entry */
    memcpy(record + 2, json_string_value(message), json_string_length(message));
    len = 2 + json_string_length(message);
    json_decref(object);
    return log_record_decode(record, len);
}

/* Rebuilds the streams from the records, and checks what every record must keep to. */
static void parse_log(enum log_lines lines, const struct buf *log, struct buf out[3], int *code)
{
    static char record[LOG_RECORD_MAX];
    const char *at = log->data, *end = at + log->len;
    for (uint64_t number = 1; at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        assert_non_null(newline);
        enum log_record_kind kind;
        const char *text;
        size_t len = (size_t)(newline - at);
        assert_true(newline + 1 - at <= LOG_RECORD_MAX);
        assert_true(newline > at); /* no empty line */
        assert_false(log_record_must_escape(at, len));
        if (lines == LOG_LINES_STRUCTURED) {
            len = record_of_structured(at, len, number, record);
        } else {
            memcpy(record, at, len);
            len = log_record_decode(record, len);
        }
        assert_true(log_record_parse(record, len, &kind, &text, &len));
        bool err = kind == LOG_RECORD_STDERR || kind == LOG_RECORD_STDERR_PIECE;
        struct buf *to = &out[err ? FRAME_STDERR : FRAME_STDOUT];
        uint64_t anchor = 0;
        if (kind == LOG_RECORD_EXIT)
            assert_true(log_record_exit_code(text, len, code) &&
                        log_record_exit_number(text, len) ==
                            (lines == LOG_LINES_TEXT ? number : 0));
        else if (kind == LOG_RECORD_MARK)
            assert_true(log_record_anchor_parse(text, len, &anchor) && anchor == number);
        else
            buf_append(to, text, len);
        if (kind == LOG_RECORD_STDOUT || kind == LOG_RECORD_STDERR)
            buf_puts(to, "\n");
        at = newline + 1;
    }
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 8;
}

/* Bytes of every kind: long lines, empty lines, escapes, UTF-8 and what is not. */
static size_t random_piece(unsigned *seed, char *to, size_t cap)
{
    size_t len = next_random(seed) % 4 == 0 ? cap : next_random(seed) % 300;
    static const char *const words[] = {"\n",
                                        "\x01",
                                        "a",
                                        "bc",
                                        "\xc3\xa4",
                                        "\xe2\x82\xac",
                                        "\n\n",
                                        "\xf0\x9f\x98\x80",
                                        "\xff",
                                        "0123456789",
                                        "\"",
                                        "\\x",
                                        "\t\r",
                                        "\0014f",
                                        "\xed\xa0\x80",
                                        "\xf0\x9f"};
    bool long_line = next_random(seed) % 2;
    size_t n = 0;
    while (n + 16 < len) {
        const char *word = words[next_random(seed) % (sizeof words / sizeof *words)];
        if (long_line && strchr(word, '\n'))
            continue;
        memcpy(to + n, word, strlen(word));
        n += strlen(word);
        if (next_random(seed) % 50 == 0)
            to[n++] = '\0';
    }
    return n;
}

/* The ring has the newest records, with the numbers and texts that the log has. */
static void ring_is_end_of_log(enum log_lines lines)
{
    static char copy[LOG_RECORD_MAX];
    const struct log_ring *ring = log_tee_ring(f.tee);
    struct log_ring_cursor cursor = {.number = log_ring_first(ring)};
    struct log_ring_record record;
    const char *at = f.log.data, *end = at + f.log.len, *newline;
    assert_true(ring->bytes <= LOG_RING_MAX);
    for (uint64_t number = 1; (newline = memchr(at, '\n', (size_t)(end - at)));
         at = newline + 1, number++) {
        enum log_record_kind kind;
        const char *text;
        size_t len = (size_t)(newline - at);
        if (number < log_ring_first(ring))
            continue;
        assert_true(log_ring_read(ring, &cursor, &record));
        assert_int_equal(record.number, number);
        if (lines == LOG_LINES_STRUCTURED)
            continue; /* record_of_structured() checks these */
        memcpy(copy, at, len);
        len = log_record_decode(copy, len);
        log_record_parse(copy, len, &kind, &text, &len);
        assert_int_equal(record.kind, kind);
        assert_int_equal(record.len, len);
        if (len)
            assert_memory_equal(record.text, text, len);
    }
    assert_int_equal(cursor.number, log_ring_end(ring));
}

static void go_round(enum log_lines lines, unsigned seed)
{
    static char piece[65536];
    struct buf in[3] = {{0}}, out[3] = {{0}};
    unsigned random = seed;
    int code = -1;
    fixture_open_as(lines);
    for (int i = 0; i < 40; i++) {
        uint8_t type = next_random(&random) % 3 ? FRAME_STDOUT : FRAME_STDERR;
        size_t len = random_piece(&random, piece, sizeof piece);
        buf_append(&in[type], piece, len);
        log_tee_output(f.tee, type, piece, len);
        if (i % 8 == 0)
            fixture_collect();
    }
    log_tee_exit(f.tee, (int)seed);
    fixture_collect();
    ring_is_end_of_log(lines);
    parse_log(lines, &f.log, out, &code);
    assert_int_equal(code, seed);
    for (int type = FRAME_STDOUT; type <= FRAME_STDERR; type++) {
        assert_int_equal(in[type].len, out[type].len);
        if (in[type].len)
            assert_memory_equal(in[type].data, out[type].data, in[type].len);
        buf_free(&in[type]);
        buf_free(&out[type]);
    }
    fixture_close();
}

TEST(round_trip)
{
    for (unsigned seed = 1; seed <= 8; seed++) {
        go_round(LOG_LINES_TEXT, seed);
        go_round(LOG_LINES_STRUCTURED, seed);
    }
}

/* Bytes that are not UTF-8 and NUL are escaped, so that a service which keeps text keeps them. */
TEST_USING(fixture, bytes_are_escaped)
{
    static const char gruesse[] = "gr\xfc\xdf\x01 \xc3\xbc\0\n";
    log_tee_output(f.tee, FRAME_STDOUT, gruesse, sizeof gruesse - 1);
    put(FRAME_STDERR, "\xe2\x82");
    log_tee_exit(f.tee, 0);
    fixture_collect();
    assert_string_equal(f.log.data, "\x01Ogr\001fc\001df\00101 \xc3\xbc\00100\n"
                                    "\x01Q\001e2\00182\n\x01x0 3\n");
}

/* What the console shows: the line itself, its time, stderr as an error. */
TEST(structured_lines_are_readable)
{
    static const char users[] = "{\"severity\":\"ERROR\",  \"message\":1.0}";
    fixture_open_as(LOG_LINES_STRUCTURED);
    int64_t before_ns = time_now_ns(), last_ns = 0;
    put(FRAME_STDOUT, users);
    put(FRAME_STDOUT, "\n");
    put(FRAME_STDERR, "oops\n");
    fixture_collect();
    char *at = f.log.data;
    static const char *const texts[] = {users, "oops"}, *const severities[] = {NULL, "ERROR"};
    for (int i = 0; i < 2; i++) {
        size_t len = strcspn(at, "\n");
        int64_t ns;
        json_t *line = json_loadb(at, len, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(line, "message")), texts[i]);
        const char *severity = json_string_value(json_object_get(line, "severity"));
        assert_int_equal(!severity, !severities[i]);
        if (severity)
            assert_string_equal(severity, severities[i]);
        assert_true(timefmt_parse_rfc3339(json_string_value(json_object_get(line, "time")), &ns));
        assert_true(ns >= before_ns && ns > last_ns && ns <= time_now_ns() + 2);
        last_ns = ns;
        json_decref(line);
        at += len + 1;
    }
    fixture_close();
}

/* Lines of one instant have different times and ascending ids, in the order printed. */
TEST(structured_lines_are_in_order)
{
    static char many[20000];
    char id[64] = "", when[64] = "";
    fixture_open_as(LOG_LINES_STRUCTURED);
    memset(many, '\n', sizeof many);
    log_tee_output(f.tee, FRAME_STDOUT, many, sizeof many);
    fixture_collect();
    size_t count = 0;
    for (char *at = f.log.data, *end = at + f.log.len; at < end; count++) {
        size_t len = strcspn(at, "\n");
        json_t *line = json_loadb(at, len, 0, NULL);
        const char *next_id =
            json_string_value(json_object_get(line, "logging.googleapis.com/insertId"));
        const char *next_when = json_string_value(json_object_get(line, "time"));
        assert_true(strcmp(next_id, id) > 0 && strcmp(next_when, when) > 0);
        snprintf(id, sizeof id, "%s", next_id);
        snprintf(when, sizeof when, "%s", next_when);
        json_decref(line);
        at += len + 1;
    }
    assert_int_equal(count, sizeof many);
    fixture_close();
}

/* Exactly as long as a record may be, one less, one more; and characters at the cut. */
TEST(long_lines)
{
    for (size_t len = LOG_RECORD_TEXT_MAX - 2; len <= LOG_RECORD_TEXT_MAX + 2; len++) {
        fixture_open();
        char *line = malloc(len + 1);
        assert_non_null(line);
        memset(line, 'x', len);
        memcpy(line + LOG_RECORD_TEXT_MAX - 2, "\xe2\x82\xac", len > LOG_RECORD_TEXT_MAX ? 3 : 0);
        line[len] = '\n';
        log_tee_output(f.tee, FRAME_STDOUT, line, len + 1);
        fixture_collect();
        if (len <= LOG_RECORD_TEXT_MAX) {
            assert_int_equal(f.log.len, len + 1);
            assert_memory_equal(f.log.data, line, len + 1);
        } else { /* cut before the character, which would have been cut */
            size_t cut = LOG_RECORD_TEXT_MAX - 2;
            assert_memory_equal(f.log.data, "\x01p", 2);
            assert_memory_equal(f.log.data + 2, line, cut);
            assert_memory_equal(f.log.data + 2 + cut, "\n\xe2\x82\xac", 4);
        }
        free(line);
        fixture_close();
    }
}

TEST(parser)
{
    enum log_record_kind kind;
    const char *text;
    size_t len;
    int code;
    assert_true(log_record_parse("", 0, &kind, &text, &len));
    assert_int_equal(kind, LOG_RECORD_STDOUT);
    assert_int_equal(len, 0);
    assert_true(log_record_parse("\001eabc\n", 6, &kind, &text, &len));
    assert_int_equal(kind, LOG_RECORD_STDERR);
    assert_int_equal(len, 3);
    assert_false(log_record_parse("\x01", 1, &kind, &text, &len));
    assert_int_equal(kind, LOG_RECORD_STDOUT);
    assert_false(log_record_parse("\x01zabc", 5, &kind, &text, &len));
    assert_int_equal(len, 5);
    assert_false(log_record_parse("\x01x", 2, &kind, &text, &len));
    assert_false(log_record_parse("\x01x256", 5, &kind, &text, &len));
    assert_false(log_record_parse("\x01x-1", 4, &kind, &text, &len));
    assert_false(log_record_parse("\x01x1 ", 4, &kind, &text, &len));
    assert_false(log_record_parse("\x01x1 2 3", 7, &kind, &text, &len));
    assert_true(log_record_parse("\x01x1 23", 6, &kind, &text, &len));
    assert_true(log_record_exit_code(text, len, &code) && code == 1);
    assert_int_equal(log_record_exit_number(text, len), 23);
    assert_true(log_record_parse("\x01x255", 5, &kind, &text, &len));
    assert_int_equal(log_record_exit_number(text, len), 0);
    assert_int_equal(kind, LOG_RECORD_EXIT);
    assert_true(log_record_exit_code(text, len, &code));
    assert_int_equal(code, 255);
}

TEST(escapes_of_others)
{
    static const struct {
        const char *line, *decoded;
    } cases[] = {{"\001Oa\00141", "\001oaA"},
                 {"\001Ea\0014", "\001ea\0014"},
                 {"\001O\001zz\x01", "\001o\001zz\x01"},
                 {"\001ea\00141", "\001ea\00141"},
                 {"\001Za\00141", "\001Za\00141"},
                 {"Oa\00141", "Oa\00141"},
                 {"\x01", "\x01"},
                 {"", ""}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char line[32];
        strcpy(line, cases[i].line);
        size_t len = log_record_decode(line, strlen(line));
        assert_int_equal(len, strlen(cases[i].decoded));
        assert_memory_equal(line, cases[i].decoded, len);
    }
}

TEST(labels)
{
    static const char *const bad[] = {"",
                                      "e",
                                      "e 1",
                                      "e 1 ",
                                      "e 0 5",
                                      "z 1 5",
                                      "e -1 5",
                                      "e 1 -5",
                                      "e 1 5 ",
                                      "e 99999999999999999999 5",
                                      "e 1 99999999999999999999"};
    char text[LOG_LABEL_MAX];
    const struct log_label in = {'E', UINT64_MAX / 2 - 1, INT64_MAX / 2 - 1};
    struct log_label out;
    assert_true(log_label_parse(log_label_format(&in, text), &out));
    assert_true(out.letter == in.letter && out.number == in.number && out.time_ns == in.time_ns);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (log_label_parse(bad[i], &out))
            fail_msg("%s", bad[i]);
}
