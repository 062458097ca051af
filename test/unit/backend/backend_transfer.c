/* SPDX-License-Identifier: Apache-2.0
 *
 * docker import, push and save over real sessions and real docker-registries.
 */
#include "test/kit/transfer_rig.h"

#include "test/kit/free_port.h"
#include "test/kit/http_mock.h"
#include "test/kit/test.h"

/* ---- push ---- */

static void push(struct rig_client *c, const char *repo, const char *tag)
{
    Sockerless__ImagePushOpen open = SOCKERLESS__IMAGE_PUSH_OPEN__INIT;
    open.repo = (char *)repo;
    open.tag = (char *)tag;
    rig_client_open(c, SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PUSH, &open);
    rig_client_finish(c);
}

static void expect_lines(const struct rig_client *c, const char *expected)
{
    assert_string_equal(rig_client_lines(c), expected);
}

/* Everything that was said, whatever its order. */
static void expect_said(const struct rig_client *c, const char *line)
{
    if (!strstr(rig_client_lines(c), line))
        fail_msg("\"%s\" is not in:\n%s", line, rig_client_lines(c));
}

TEST_USING(transfer_rig, push_elsewhere)
{
    AUTO(test_image) struct test_image image;
    AUTO(rig_client) struct rig_client c;
    struct registry_question q;
    char repo[64], tags[160], text[512];
    registry_start(&other_registry, rig.directory, "other");
    snprintf(repo, sizeof repo, "%s/team/app", other_registry.host);
    snprintf(tags, sizeof tags, "[\"%s:1\",\"%s:b\",\"app:1\"]", repo, repo);
    load_small(&image, "pushed", tags);
    push(&c, repo, "1");
    rig_client_end(&c);
    snprintf(text, sizeof text,
             "The push refers to repository [%s]\n%.12s: Preparing\n%.12s: Preparing\n", repo,
             image.diff_ids[1] + 7, image.diff_ids[0] + 7);
    assert_memory_equal(c.lines.data, text, strlen(text));
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "%.12s: Pushed\n", image.diff_ids[i] + 7);
        expect_said(&c, text);
    }
    registry_ask(&q, repo, "1");
    if (q.rc)
        fail_msg("pushed: %s", q.err.message);
    assert_string_equal(q.parsed.config.digest, image.id);
    const Sockerless__ImageRecord *rec = rig_image("app:1");
    assert_string_equal(q.manifest.digest, rec->manifest_digest);
    snprintf(text, sizeof text, "1: digest: %s size: %zu\naux 1 %s %zu\n", q.manifest.digest,
             q.manifest.len, q.manifest.digest, q.manifest.len);
    expect_said(&c, text);
    assert_int_equal(rec->image->n_repo_digests, 1);
    snprintf(text, sizeof text, "%s@%s", repo, q.manifest.digest);
    assert_string_equal(rec->image->repo_digests[0], text);
    registry_question_free(&q);
    rig_client_free(&c);

    push(&c, repo, ""); /* both tags */
    assert_true(c.ended);
    expect_said(&c, ": Layer already exists\n");
    expect_said(&c, "aux 1 sha256:");
    expect_said(&c, "aux b sha256:");
}

TEST_USING(transfer_rig, push_mounts)
{
    AUTO(test_image) struct test_image image;
    AUTO(rig_client) struct rig_client c;
    char repo[64], tags[80];
    snprintf(repo, sizeof repo, "%s/elsewhere", staging_registry.host);
    snprintf(tags, sizeof tags, "[\"%s:1\"]", repo);
    load_small(&image, "mounted", tags);
    push(&c, repo, "1");
    assert_true(c.ended);
    expect_said(&c, ": Mounted from sockerless\n");
}

TEST_USING(transfer_rig, push_errors)
{
    AUTO(test_image) struct test_image image;
    AUTO(rig_client) struct rig_client c;
    char tags[64];
    push(&c, "BAD", "1");
    assert_true(c.failed && !c.opened);
    assert_int_equal(c.err.code, ERROR_INVALID_PARAMETER);
    rig_client_free(&c);

    push(&c, "nothere", "1");
    expect_lines(&c, "The push refers to repository [docker.io/library/nothere]\n");
    assert_string_equal(c.err.message, "An image does not exist locally with the tag: nothere");
    rig_client_free(&c);

    test_image_make_small(&image, "unreachable");
    snprintf(tags, sizeof tags, "[\"127.0.0.1:%d/x:1\"]", free_port());
    load_image(&image, tags);
    tags[strlen(tags) - 4] = '\0';
    push(&c, tags + 2, "latest");
    assert_non_null(strstr(c.err.message, "tag does not exist: 127.0.0.1:"));
    rig_client_free(&c);
    push(&c, tags + 2, "1");
    assert_true(c.failed && c.opened);
    assert_non_null(strstr(c.err.message, "connection refused"));
}

TEST_USING(transfer_rig, push_without_layers)
{
    AUTO(test_image) struct test_image image;
    AUTO(rig_client) struct rig_client c;
    rig.config.staging_registry = NULL;
    load_small(&image, "nowhere", "[\"nowhere:1\"]");
    push(&c, "nowhere", "1");
    assert_true(c.failed);
    assert_non_null(strstr(c.err.message, "SOCKERLESS_STAGING_REGISTRY"));
}

static bool stall_patch(void *arg, struct mock_request *r)
{
    bool *stalled = arg;
    char location[256];
    if (strcmp(r->method, "HEAD") == 0)
        return mock_text(r, 404, "", "");
    snprintf(location, sizeof location, "Location: /v2/x/blobs/uploads/1\r\nRange: 0-0\r\n");
    if (strcmp(r->method, "POST") == 0)
        return mock_text(r, 202, location, "");
    if (strcmp(r->method, "GET") == 0)
        return mock_text(r, 200, "", "{}");
    __atomic_store_n(stalled, true, __ATOMIC_RELEASE);
    return mock_stall(r);
}

/* What is on its way is broken off; nothing is left. */
TEST_USING(transfer_rig, push_client_gone)
{
    Sockerless__ImagePushOpen open = SOCKERLESS__IMAGE_PUSH_OPEN__INIT;
    AUTO(test_image) struct test_image image;
    struct rig_client c;
    bool stalled = false;
    char repo[64], tags[80];
    struct mock *mock = mock_start(stall_patch, &stalled);
    snprintf(repo, sizeof repo, "127.0.0.1:%d/x", mock->port);
    snprintf(tags, sizeof tags, "[\"%s:1\"]", repo);
    load_small(&image, "gone", tags);
    open.repo = repo;
    open.tag = (char *)"1";
    rig_client_open(&c, SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PUSH, &open);
    run_until(__atomic_load_n(&stalled, __ATOMIC_ACQUIRE));
    channel_abort(c.channel);
    run_until(c.closed && co_live(&rig.loop) == 0);
    rig_client_free(&c);
    mock_stop(mock);
}

/* ---- save ---- */

static void save(struct rig_client *c, const char *const *refs, size_t count)
{
    Sockerless__ImageSaveOpen open = SOCKERLESS__IMAGE_SAVE_OPEN__INIT;
    open.refs = (char **)refs;
    open.n_refs = count;
    rig_client_open(c, SOCKERLESS__STREAM_OPEN__KIND_IMAGE_SAVE, &open);
    rig_client_finish(c);
}

static void save_fails(const char *ref, enum error_code code, const char *message)
{
    AUTO(rig_client) struct rig_client c;
    save(&c, &ref, 1);
    assert_true(c.failed && !c.opened);
    assert_int_equal(c.err.code, code);
    if (!strstr(c.err.message, message))
        fail_msg("%s", c.err.message);
}

static void forget_images(void)
{
    struct error err;
    while (image_store_count(rig.backend.images)) {
        AUTO(arena) struct arena arena;
        size_t count;
        arena_init(&arena);
        const Sockerless__ImageRecord **all = image_store_all(rig.backend.images, &arena, &count);
        char *id = arena_strdup(&arena, all[0]->image->id);
        assert_int_equal(image_store_remove(rig.backend.images, id, &err), 0);
    }
}

static size_t occurrences(const struct buf *b, const char *text)
{
    size_t n = 0;
    const char *at = b->data, *end = b->data + b->len;
    while ((at = memmem(at, (size_t)(end - at), text, strlen(text)))) {
        n++;
        at++;
    }
    return n;
}

TEST_USING(transfer_rig, save_and_load)
{
    static const char *const refs[] = {"pair", "other:1", "pair:a"};
    AUTO(test_image) struct test_image one, two;
    AUTO(rig_client) struct rig_client c, again;
    char digest[DIGEST_MAX];
    test_image_make_small(&one, "one");
    test_image_make_small(&two, "two");
    load_image(&one, "[\"pair:a\",\"pair:b\"]");
    load_image(&two, "[\"other:1\",\"unasked:1\"]");
    strcpy(digest, rig_image("pair:a")->manifest_digest);
    save(&c, refs, ARRAY_LEN(refs));
    rig_client_end(&c);
    assert_int_equal(occurrences(&c.out, one.config.data), 1);
    forget_images();
    load_bytes(&again, &c.out, true);
    if (!again.ended)
        fail_msg("load: %s", again.err.message);
    expect_said(&again, "Loaded image: pair:a\n");
    expect_said(&again, "Loaded image: pair:b\n");
    expect_said(&again, "Loaded image: other:1\n");
    assert_null(strstr(again.lines.data, "unasked"));
    assert_string_equal(rig_image("pair:b")->image->id, one.id);
    assert_string_equal(rig_image("pair:b")->manifest_digest, digest);
}

TEST_USING(transfer_rig, save_by_id)
{
    AUTO(test_image) struct test_image image;
    AUTO(rig_client) struct rig_client c, again;
    load_small(&image, "by id", "[\"named:1\"]");
    const char *id = image.id;
    save(&c, &id, 1);
    assert_true(c.ended);
    forget_images();
    load_bytes(&again, &c.out, true);
    assert_true(again.ended);
    expect_said(&again, "Loaded image ID: sha256:");
}

TEST_USING(transfer_rig, save_errors)
{
    AUTO(test_image) struct test_image image;
    save_fails("nope:1", ERROR_NOT_FOUND, "reference does not exist");
    save_fails("nope", ERROR_NOT_FOUND, "No such image: nope");
    rig.config.staging_registry = NULL;
    load_small(&image, "nowhere", "[\"nowhere:1\"]");
    save_fails("nowhere:1", ERROR_INVALID_PARAMETER, "SOCKERLESS_STAGING_REGISTRY");
}

/* A client that stops reading stops the registry, and may then leave. */
TEST_USING(transfer_rig, save_slow_client)
{
    enum { SIZE = 16 * 1024 * 1024 };
    Sockerless__ImageSaveOpen open = SOCKERLESS__IMAGE_SAVE_OPEN__INIT;
    AUTO(test_image) struct test_image image;
    AUTO(rig_client) struct rig_client c;
    const char *ref = "big:1";
    test_image_make_large(&image, SIZE, 1);
    load_image(&image, "[\"big:1\"]");
    open.refs = (char **)&ref;
    open.n_refs = 1;
    rig_client_open(&c, SOCKERLESS__STREAM_OPEN__KIND_IMAGE_SAVE, &open);
    c.out_max = 1024 * 1024;
    run_until(c.out.len >= c.out_max);
    channel_abort(c.channel);
    run_until(c.closed && co_live(&rig.loop) == 0);
    rig_client_free(&c);
    save(&c, &ref, 1);
    assert_true(c.ended);
    assert_true(c.out.len > SIZE);
}

/* ---- import ---- */

static void root_tar(struct buf *tar)
{
    tar_put_header(tar, "etc/", -1, 0, 0755);
    tar_put_file(tar, "etc/hostname", "box\n", 4);
    tar_put_end(tar);
}

TEST_USING(transfer_rig, import_body)
{
    Sockerless__ImageImportOpen open = SOCKERLESS__IMAGE_IMPORT_OPEN__INIT;
    char *changes[] = {(char *)"CMD [\"sh\",\"-c\",\"true\"]", (char *)"ENV A=b"};
    struct buf tar = BUF_INIT;
    struct rig_client c;
    struct registry_question q;
    char text[128];
    root_tar(&tar);
    open.source = (char *)"-";
    open.repo = (char *)"imp";
    open.tag = (char *)"2";
    open.message = (char *)"a message";
    open.changes = changes;
    open.n_changes = 2;
    rig_client_open(&c, SOCKERLESS__STREAM_OPEN__KIND_IMAGE_IMPORT, &open);
    rig_client_send(&c, tar.data, tar.len);
    rig_client_finish(&c);
    rig_client_end(&c);
    const Sockerless__ImageRecord *rec = rig_image("imp:2");
    snprintf(text, sizeof text, "%s\n", rec->image->id);
    expect_lines(&c, text);
    assert_string_equal(rec->image->config->cmd->items[2], "true");
    assert_string_equal(rec->image->architecture, "amd64");
    registry_ask_staging(&q, rec->image->id);
    assert_string_equal(q.parsed.config.digest, rec->image->id);
    registry_question_free(&q);
    rig_client_free(&c);
    buf_free(&tar);
}

static bool serve_tar(void *arg, struct mock_request *r)
{
    const struct buf *tar = arg;
    if (strcmp(r->path, "/root.tar") == 0)
        return mock_reply(r, 200, "", tar->data, tar->len);
    return mock_text(r, 404, "", "nothing here\n");
}

static void import_url(struct rig_client *c, const char *url, const char *repo)
{
    Sockerless__ImageImportOpen open = SOCKERLESS__IMAGE_IMPORT_OPEN__INIT;
    open.source = (char *)url;
    open.repo = (char *)repo;
    rig_client_open(c, SOCKERLESS__STREAM_OPEN__KIND_IMAGE_IMPORT, &open);
    rig_client_finish(c);
}

TEST_USING(transfer_rig, import_url)
{
    struct buf tar = BUF_INIT;
    struct rig_client c;
    char url[128], text[512];
    root_tar(&tar);
    struct mock *mock = mock_start(serve_tar, &tar);
    snprintf(url, sizeof url, "u:secret@127.0.0.1:%d/root.tar", mock->port);
    import_url(&c, url, "fetched");
    rig_client_end(&c);
    snprintf(text, sizeof text, "Downloading from http://127.0.0.1:%d/root.tar\n%s\n", mock->port,
             rig_image("fetched:latest")->image->id);
    expect_lines(&c, text);
    rig_client_free(&c);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/other", mock->port);
    import_url(&c, url, "");
    assert_true(c.failed && !c.opened);
    assert_int_equal(c.err.code, ERROR_NOT_FOUND);
    snprintf(text, sizeof text, "failed to GET %s with status 404", url);
    assert_memory_equal(c.err.message, text, strlen(text));
    rig_client_free(&c);
    mock_stop(mock);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x.tar", free_port());
    import_url(&c, url, "");
    assert_true(c.failed);
    assert_non_null(strstr(c.err.message, "connection refused"));
    rig_client_free(&c);
    buf_free(&tar);
}

static void import_fails(const Sockerless__ImageImportOpen *open, const char *bytes,
                         enum error_code code, const char *message)
{
    struct rig_client c;
    rig_client_open(&c, SOCKERLESS__STREAM_OPEN__KIND_IMAGE_IMPORT, (void *)open);
    rig_client_send(&c, bytes, strlen(bytes));
    rig_client_finish(&c);
    assert_true(c.failed);
    if (code)
        assert_int_equal(c.err.code, code);
    if (!strstr(c.err.message, message))
        fail_msg("%s", c.err.message);
    rig_client_free(&c);
    assert_int_equal(image_store_count(rig.backend.images), 0);
}

TEST_USING(transfer_rig, import_errors)
{
    Sockerless__ImageImportOpen open = SOCKERLESS__IMAGE_IMPORT_OPEN__INIT;
    char *change = (char *)"RUN x";
    open.source = (char *)"-";
    import_fails(&open, "garbage", ERROR_NONE, "");
    open.repo = (char *)"BAD:x";
    import_fails(&open, "", ERROR_INVALID_PARAMETER,
                 "invalid reference format: repository name must be lowercase");
    open.repo = (char *)"imp:4";
    open.changes = &change;
    open.n_changes = 1;
    import_fails(&open, "", ERROR_INVALID_PARAMETER, "run is not a valid change command");
    open.n_changes = 0;
    open.source = (char *)"file:///etc/passwd";
    import_fails(&open, "", ERROR_INVALID_PARAMETER, "unsupported protocol scheme");
    open.source = (char *)"http://x/\r\nX: y";
    import_fails(&open, "", ERROR_INVALID_PARAMETER, "invalid character in URL");
}
