/* SPDX-License-Identifier: Apache-2.0
 *
 * Images in the store: inspect, tag, rmi, prune, history and their filters, what create gives to
 * the cloud, and databases of other versions. The expectations are those of a recorded dockerd.
 */
#include "backend/api/time_filter.h"
#include "test/kit/ask.h"
#include "base/timefmt.h"
#include "oci/name/digest.h"
#include "test/kit/test.h"

#include <sqlite3.h>

#define REP16(c) c c c c c c c c c c c c c c c c
#define ID_A "sha256:" REP16("aaaa")
#define ID_B "sha256:" REP16("bbbb")
#define ID_C "sha256:" REP16("cccc")
#define DIFF(c) "sha256:" REP16(c c c c)
#define DIGEST(c) "@sha256:" REP16(c c c c)

static struct container *use(const char *image_id, const char *name, bool running)
{
    return rig_container_add((struct rig_container){
        .name = name,
        .image_id = image_id,
        .state =
            running ? SOCKERLESS__CONTAINER_STATE__RUNNING : SOCKERLESS__CONTAINER_STATE__EXITED,
    });
}

/* ---- what is asked ---- */

static void expect_error(enum error_code code, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    assert_string_equal(rig.err.message, text);
    assert_int_equal(rig.err.code, code);
}

static const char *items_text(Sockerless__ImageRemoved *const *items, size_t count)
{
    static char text[4096];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s ", *items[i]->untagged ? "-" : "x ",
                              *items[i]->untagged ? items[i]->untagged : items[i]->deleted);
    return text;
}

/* "-name " for each Untagged, "x id " for each Deleted; NULL: an error. */
static const char *rmi(const char *ref, bool force)
{
    const Sockerless__Reply *reply = ask_image_remove(ref, force);
    return reply ? items_text(reply->image_remove->items, reply->image_remove->n_items) : NULL;
}

static const char *prune(const char *key, const char *value, const char *key2, const char *value2)
{
    const Sockerless__Reply *reply = ask_image_prune((ask_filters){key, value, key2, value2});
    return reply ? items_text(reply->image_prune->items, reply->image_prune->n_items) : NULL;
}

static const Sockerless__ImageHistoryReply *history(const char *ref)
{
    const Sockerless__Reply *reply = ask_image_history(ref);
    return reply ? reply->image_history : NULL;
}

static const Sockerless__Image *inspect(const char *ref)
{
    const Sockerless__Reply *reply = ask_image_inspect(ref);
    return reply ? reply->image_inspect->image : NULL;
}

static const char *tags_of(const char *ref)
{
    static char text[512];
    const Sockerless__Image *image = inspect(ref);
    text[0] = '\0';
    for (size_t i = 0; image && i < image->n_repo_tags; i++) {
        strcat(text, image->repo_tags[i]);
        strcat(text, " ");
    }
    return image ? text : "absent";
}

/* ---- inspect ---- */

TEST_USING(backend_rig, inspect_not_pulled_is_404)
{
    assert_null(inspect("nope"));
    expect_error(ERROR_NOT_FOUND, "no such image: nope: No such image: nope:latest");
}

TEST_USING(backend_rig, inspect_by_tag_digest_and_short_id)
{
    RIG_IMAGE(.id = ID_A, .tags = {"nginx:latest"}, .digests = {"nginx" DIGEST("1")});
    assert_string_equal(inspect("nginx:latest")->id, ID_A);
    assert_string_equal(inspect("nginx" DIGEST("1"))->id, ID_A);
    assert_string_equal(inspect("aaaaaaaaaaaa")->id, ID_A);
    assert_string_equal(inspect(ID_A)->id, ID_A);
}

/* ---- tag ---- */

TEST_USING(backend_rig, tag_records_a_new_name)
{
    RIG_IMAGE(.id = ID_A, .tags = {"oracle:full"});
    RIG_IMAGE(.id = ID_B, .tags = {"x:2"});
    int64_t before = time_now_ns();
    assert_non_null(ask_image_tag("oracle:full", "docker.io/library/m", "1"));
    assert_non_null(ask_image_tag("aaaa", "x", "2")); /* moves */
    assert_non_null(ask_image_tag("m:1", "127.0.0.1:5000/y:7", ""));
    assert_non_null(ask_image_tag("m:1", "z", ""));
    assert_non_null(ask_image_tag("m:1", "z:5" DIGEST("1"), "6"));
    for (int i = 0; i < 2; i++) {
        /* sorted as dockerd does */
        assert_string_equal(tags_of(ID_A), "127.0.0.1:5000/y:7 m:1 oracle:full x:2 z:6 z:latest ");
        assert_string_equal(tags_of(ID_B), "");
        backend_rig_reload_images();
    }
    assert_true(inspect(ID_A)->last_tagged >= before);
}

TEST_USING(backend_rig, tag_of_unknown_image_is_404)
{
    assert_null(ask_image_tag("nope", "x", "1"));
    expect_error(ERROR_NOT_FOUND, "No such image: nope:latest");
    assert_null(ask_image_tag("nope:1", "", ""));
    expect_error(ERROR_NOT_FOUND, "No such image: nope:1");
}

TEST_USING(backend_rig, tag_names_that_are_none)
{
    RIG_IMAGE(.id = ID_A, .tags = {"b:1"});
    static const char *const bad[][3] = {
        {"", "", "invalid reference format"},
        {"UPPER", "1", "invalid reference format: repository name must be lowercase"},
        {"x", "!!", "invalid tag format"},
        {"x" DIGEST("1"), "", "refusing to create a tag with a digest reference"},
        {"sha256", "1", "refusing to create an ambiguous tag using digest algorithm as name"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_null(ask_image_tag("b:1", bad[i][0], bad[i][1]));
        expect_error(ERROR_INVALID_PARAMETER, "%s", bad[i][2]);
    }
    assert_string_equal(tags_of(ID_A), "b:1 ");
}

TEST_USING(backend_rig, tags_of_one_image_are_bounded)
{
    struct error err;
    char name[32];
    RIG_IMAGE(.id = ID_A);
    for (int i = 0; i < IMAGE_NAMES_MAX; i += 256) {
        static char names[256][16];
        static char *list[256];
        Sockerless__Image image = SOCKERLESS__IMAGE__INIT;
        Sockerless__ImageRecord rec = SOCKERLESS__IMAGE_RECORD__INIT;
        for (int k = 0; k < 256; k++) {
            snprintf(names[k], sizeof names[k], "x:%d", i + k);
            list[k] = names[k];
        }
        image.id = (char *)ID_A;
        image.repo_tags = list;
        image.n_repo_tags = 256;
        rec.image = &image;
        assert_int_equal(image_store_put(rig.backend.images, &rec, &err), 0);
    }
    snprintf(name, sizeof name, "x:%d", IMAGE_NAMES_MAX);
    assert_int_equal(image_store_tag(rig.backend.images, ID_A, name, &err), -1);
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    assert_non_null(image_store_find(rig.backend.images, "x:4095", &err));
}

/* ---- rmi ---- */

TEST_USING(backend_rig, rmi_drops_only_the_named_tag)
{
    RIG_IMAGE(.id = ID_A, .tags = {"x:1", "x:2"}, .digests = {"x" DIGEST("1")});
    use(ID_A, "user", true); /* does not matter while another tag is left */
    assert_string_equal(rmi("x:1", false), "-x:1 ");
    for (int i = 0; i < 2; i++) {
        assert_string_equal(tags_of(ID_A), "x:2 ");
        backend_rig_reload_images();
    }
    assert_null(rmi("x:1", false));
    expect_error(ERROR_NOT_FOUND, "No such image: x:1");
}

TEST_USING(backend_rig, rmi_of_the_last_tag_takes_digests_image_and_layers)
{
    RIG_IMAGE(.id = ID_A, .tags = {"x:1"}, .digests = {"x" DIGEST("1"), "x" DIGEST("2")},
              .diffs = {DIFF("1"), DIFF("2")});
    char chain[DIGEST_MAX], expected[1024];
    digest_sha256(DIFF("1") " " DIFF("2"), 2 * 71 + 1, chain);
    snprintf(expected, sizeof expected, "-x:1 -x%s -x%s x %s x %s x %s ", DIGEST("1"), DIGEST("2"),
             ID_A, chain, DIFF("1"));
    assert_string_equal(rmi("x:1", false), expected);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(image_store_count(rig.backend.images), 0);
        backend_rig_reload_images();
    }
}

TEST_USING(backend_rig, rmi_keeps_layers_that_others_have)
{
    RIG_IMAGE(.id = ID_A, .tags = {"x:1"}, .diffs = {DIFF("1"), DIFF("2")});
    RIG_IMAGE(.id = ID_B, .tags = {"y:1"}, .diffs = {DIFF("1"), DIFF("3")});
    RIG_IMAGE(.id = ID_C, .tags = {"z:1"}, .diffs = {DIFF("4"), DIFF("2")});
    char chain[DIGEST_MAX], expected[512];
    digest_sha256(DIFF("1") " " DIFF("2"), 2 * 71 + 1, chain);
    snprintf(expected, sizeof expected, "-x:1 x %s x %s ", ID_A, chain);
    assert_string_equal(rmi("x", false) ? "" : rmi("x:1", false), expected);
}

TEST_USING(backend_rig, rmi_digests_of_another_repository_keep_the_image)
{
    RIG_IMAGE(.id = ID_A, .tags = {"127.0.0.1:5001/b:1", "b:1"},
              .digests = {"127.0.0.1:5001/b" DIGEST("1"), "b" DIGEST("1")});
    assert_string_equal(rmi("127.0.0.1:5001/b:1", false),
                        "-127.0.0.1:5001/b:1 -127.0.0.1:5001/b" DIGEST("1") " ");
    assert_string_equal(tags_of(ID_A), "b:1 ");
}

static const char *pulled_from(const char *id)
{
    struct error err;
    const Sockerless__ImageRecord *rec = image_store_find(rig.backend.images, id, &err);
    return rec ? rec->pull_reference : "";
}

TEST_USING(backend_rig, rmi_of_the_place_it_is_pulled_from_leaves_another)
{
    RIG_IMAGE(.id = ID_A, .tags = {"127.0.0.1:5001/b:1", "b:1"},
              .digests = {"127.0.0.1:5001/b" DIGEST("1"), "b" DIGEST("1")},
              .pull_reference = "127.0.0.1:5001/b" DIGEST("1"));
    rmi("127.0.0.1:5001/b:1", false);
    assert_string_equal(pulled_from(ID_A), "docker.io/library/b" DIGEST("1"));
    backend_rig_reload_images();
    assert_string_equal(pulled_from(ID_A), "docker.io/library/b" DIGEST("1"));
}

TEST_USING(backend_rig, rmi_by_digest)
{
    RIG_IMAGE(.id = ID_A, .digests = {"f" DIGEST("1")});
    assert_string_equal(rmi("f" DIGEST("1"), false), "-f" DIGEST("1") " x " ID_A " ");
    RIG_IMAGE(.id = ID_A, .tags = {"f:1"}, .digests = {"f" DIGEST("1")});
    assert_string_equal(rmi("f" DIGEST("1"), false), "-f" DIGEST("1") " ");
    assert_string_equal(tags_of(ID_A), "f:1 ");
}

TEST_USING(backend_rig, rmi_by_id)
{
    RIG_IMAGE(.id = ID_A, .tags = {"m:1"}, .digests = {"m" DIGEST("1")});
    assert_string_equal(rmi("aaaa", false), "-m:1 -m" DIGEST("1") " x " ID_A " ");
    RIG_IMAGE(.id = ID_A, .tags = {"m:1", "m:2"});
    assert_null(rmi("aaaaaaaaaaaa", false));
    expect_error(ERROR_CONFLICT, "conflict: unable to delete aaaaaaaaaaaa (must be forced) - image "
                                 "is referenced in multiple repositories");
    assert_string_equal(rmi(ID_A, true), "-m:1 -m:2 x " ID_A " ");
    RIG_IMAGE(.id = ID_A);
    assert_string_equal(rmi("aa", false), "x " ID_A " "); /* dangling */
}

TEST_USING(backend_rig, rmi_of_an_image_in_use_by_a_stopped_container)
{
    RIG_IMAGE(.id = ID_A, .tags = {"o:lab"}, .diffs = {DIFF("1")});
    struct container *c = use(ID_A, "user1", false);
    assert_null(rmi("o:lab", false));
    expect_error(ERROR_CONFLICT,
                 "conflict: unable to remove repository reference \"o:lab\" (must force) - "
                 "container %.12s is using its referenced image aaaaaaaaaaaa",
                 c->id);
    assert_null(rmi("aaaa", false));
    expect_error(ERROR_CONFLICT,
                 "conflict: unable to delete aaaaaaaaaaaa (must be forced) - image is being used "
                 "by stopped container %.12s",
                 c->id);
    assert_string_equal(tags_of(ID_A), "o:lab ");
    assert_string_equal(rmi("o:lab", true), "-o:lab x " ID_A " "); /* it keeps its layers */
}

TEST_USING(backend_rig, rmi_of_an_image_in_use_by_a_running_container)
{
    RIG_IMAGE(.id = ID_A, .tags = {"b:1"});
    struct container *c = use(ID_A, "user2", true);
    assert_null(rmi("b:1", false));
    expect_error(ERROR_CONFLICT,
                 "conflict: unable to remove repository reference \"b:1\" (must force) - "
                 "container %.12s is using its referenced image aaaaaaaaaaaa",
                 c->id);
    for (int force = 0; force < 2; force++) {
        assert_null(rmi("aaaa", force));
        expect_error(ERROR_CONFLICT,
                     "conflict: unable to delete aaaaaaaaaaaa (cannot be forced) - image is being "
                     "used by running container %.12s",
                     c->id);
    }
    assert_string_equal(rmi("b:1", true), "-b:1 "); /* the image stays, nameless */
    assert_string_equal(tags_of(ID_A), "");
}

/* ---- prune ---- */

TEST_USING(backend_rig, prune_takes_what_has_no_tag)
{
    static const char manifest[] =
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"digest\":\"" ID_A "\",\"size\":2},\"layers\":["
        "{\"digest\":\"" DIFF("5") "\",\"size\":100},{\"digest\":\"" DIFF("6") "\",\"size\":23}]}";
    RIG_IMAGE(.id = ID_A, .manifest = manifest, .diffs = {DIFF("1"), DIFF("2")}, .created = 1);
    RIG_IMAGE(.id = ID_B, .tags = {"b:1"}, .diffs = {DIFF("1")}, .created = 2);
    RIG_IMAGE(.id = ID_C, .digests = {"c" DIGEST("1")}, .created = 3);
    char chain[DIGEST_MAX], expected[512];
    digest_sha256(DIFF("1") " " DIFF("2"), 2 * 71 + 1, chain);
    snprintf(expected, sizeof expected, "-c%s x %s x %s x %s ", DIGEST("1"), ID_C, ID_A, chain);
    assert_string_equal(prune(NULL, NULL, NULL, NULL), expected);
    assert_int_equal(rig.reply->image_prune->space_reclaimed, 23); /* the other layer is shared */
    assert_string_equal(prune("dangling", "true", NULL, NULL), "");
    assert_int_equal(image_store_count(rig.backend.images), 1);
}

TEST_USING(backend_rig, prune_all_spares_what_is_used)
{
    RIG_IMAGE(.id = ID_A, .tags = {"a:1", "a:2"}, .digests = {"a" DIGEST("1")});
    RIG_IMAGE(.id = ID_B, .tags = {"b:1"});
    RIG_IMAGE(.id = ID_C);
    use(ID_B, "one", false);
    use(ID_C, "two", true);
    assert_string_equal(prune("dangling", "false", NULL, NULL),
                        "-a:1 -a:2 -a" DIGEST("1") " x " ID_A " ");
    assert_string_equal(tags_of(ID_B), "b:1 ");
    assert_string_equal(tags_of(ID_C), "");
}

TEST_USING(backend_rig, prune_filters)
{
    int64_t now = time_now_ns(), hour = INT64_C(3600000000000);
    RIG_IMAGE(.id = ID_A, .label = "red", .created = now - 3 * hour);
    RIG_IMAGE(.id = ID_B, .label = "blue", .created = now - hour / 2);
    RIG_IMAGE(.id = ID_C, .created = now - 2 * hour);
    assert_string_equal(prune("label", "zzz", NULL, NULL), "");
    assert_string_equal(prune("until", "24h", NULL, NULL), "");
    assert_string_equal(prune("until", "1h", "label", "color"), "x " ID_A " ");
    assert_string_equal(prune("label!", "color=blue", "dangling", "1"), "x " ID_C " ");
    assert_string_equal(prune("label", "color=blue", NULL, NULL), "x " ID_B " ");
    assert_null(prune("bogus", "1", NULL, NULL));
    expect_error(ERROR_INVALID_PARAMETER, "Invalid filter 'bogus'");
    assert_null(prune("dangling", "x", NULL, NULL));
    expect_error(ERROR_INVALID_PARAMETER, "Invalid filter 'dangling=[x]'");
    assert_null(prune("until", "x", NULL, NULL));
    expect_error(ERROR_INVALID_PARAMETER, "failed to parse value as time or duration: \"x\"");
}

/* ---- until ---- */

TEST_USING(backend_rig, times_of_filters)
{
    int64_t ns;
    struct error err;
    assert_int_equal(time_filter_parse("10m", INT64_C(1000000000000), &ns, &err), 0);
    assert_int_equal(ns, INT64_C(400000000000));
    assert_int_equal(time_filter_parse("-9223372036854775808ns", 1, &ns, &err), 0);
    assert_int_equal(ns, INT64_MAX);
    assert_int_equal(time_filter_parse("1h0", 0, &ns, &err), -1);
    assert_int_equal(time_filter_parse("100.5", 0, &ns, &err), 0);
    assert_int_equal(ns, INT64_C(100500000000));
    assert_int_equal(time_filter_parse("0", 5, &ns, &err), 0);
    assert_int_equal(ns, 0);
    assert_int_equal(time_filter_parse("1970-01-02T00:00:00Z", 0, &ns, &err), 0);
    assert_int_equal(ns, INT64_C(86400000000000));
    static const char *const local[] = {"2024-05-06", "2024-05-06T00", "2024-05-06T00:00",
                                        "2024-05-06T00:00:00"};
    int64_t first = 0;
    for (size_t i = 0; i < ARRAY_LEN(local); i++) {
        assert_int_equal(time_filter_parse(local[i], 0, &ns, &err), 0);
        assert_true(i == 0 || ns == first);
        first = ns;
    }
    assert_int_equal(time_filter_parse("2024-13-06", 0, &ns, &err), -1);
    assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
}

static size_t count_listed(const char *key, const char *value)
{
    const Sockerless__Reply *reply = ask_image_list((ask_filters){key, value});
    return reply ? reply->image_list->n_images : 99;
}

TEST_USING(backend_rig, list_until_takes_durations)
{
    int64_t now = time_now_ns(), hour = INT64_C(3600000000000);
    RIG_IMAGE(.id = ID_A, .tags = {"a:1"}, .created = now - 30 * hour);
    RIG_IMAGE(.id = ID_B, .tags = {"b:1"}, .created = now - hour);
    assert_int_equal(count_listed("until", "24h"), 1);
    assert_int_equal(count_listed("until", "30m"), 2);
    assert_int_equal(count_listed("until", "48h"), 0);
    assert_int_equal(count_listed("until", "x"), 99);
    expect_error(ERROR_INVALID_PARAMETER, "failed to parse value as time or duration: \"x\"");
}

/* ---- history ---- */

TEST_USING(backend_rig, history_newest_first)
{
    static const char config[] =
        "{\"history\":[{\"created\":\"2020-01-01T00:00:00Z\",\"created_by\":\"ADD\","
        "\"comment\":\"base\"},"
        "{\"created\":\"2020-01-02T00:00:00Z\",\"created_by\":\"ENV\",\"empty_layer\":true},"
        "{\"created\":\"2020-01-03T00:00:00Z\",\"created_by\":\"RUN\"}]}";
    static const char manifest[] =
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"digest\":\"" ID_A "\",\"size\":2},\"layers\":["
        "{\"digest\":\"" DIFF("5") "\",\"size\":100},{\"digest\":\"" DIFF("6") "\",\"size\":23}]}";
    RIG_IMAGE(.id = ID_A, .tags = {"f:2", "f:1"}, .diffs = {DIFF("1"), DIFF("2")}, .config = config,
              .manifest = manifest);
    const Sockerless__ImageHistoryReply *h = history("f:1");
    if (!h)
        fail_msg("%s", rig.err.message);
    assert_int_equal(h->n_items, 3);
    assert_string_equal(h->items[0]->id, ID_A);
    assert_string_equal(h->items[0]->created_by, "RUN");
    assert_int_equal(h->items[0]->size, 23);
    assert_int_equal(h->items[0]->n_tags, 2);
    assert_string_equal(h->items[0]->tags[0], "f:1");
    assert_int_equal(h->items[0]->created, INT64_C(1578009600000000000));
    assert_string_equal(h->items[1]->id, "<missing>");
    assert_int_equal(h->items[1]->size, 0);
    assert_int_equal(h->items[1]->n_tags, 0);
    assert_int_equal(h->items[2]->size, 100);
    assert_string_equal(h->items[2]->comment, "base");
    assert_null(history("nope"));
    expect_error(ERROR_NOT_FOUND, "No such image: nope:latest");
}

TEST_USING(backend_rig, history_of_impossible_images)
{
    RIG_IMAGE(.id = ID_A, .tags = {"f:1"},
              .config = "{\"history\":[{\"created_by\":\"a\"},{\"created_by\":\"b\"}]}",
              .diffs = {DIFF("1")});
    assert_null(history("f:1"));
    expect_error(ERROR_SYSTEM, "too many non-empty layers in History section");
    RIG_IMAGE(.id = ID_B, .tags = {"g:1"}, .created = 7); /* of an older version */
    const Sockerless__ImageHistoryReply *h = history("g:1");
    assert_int_equal(h->n_items, 1);
    assert_string_equal(h->items[0]->id, ID_B);
    assert_int_equal(h->items[0]->created, 7);
}

/* ---- create ---- */

static const char *created_reference(const char *image)
{
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    config.image = (char *)image;
    const Sockerless__Reply *reply = ask_create(NULL, &config, NULL);
    return reply ? rig.backend.containers.newest->image_reference : rig.err.message;
}

TEST_USING(backend_rig, create_gives_the_cloud_what_it_can_pull)
{
    RIG_IMAGE(.id = ID_A, .tags = {"a:1"}, .pull_reference = "docker.io/library/a" DIGEST("1"));
    RIG_IMAGE(.id = ID_B, .tags = {"bb:latest", "h:5000/c:2"}); /* loaded */
    RIG_IMAGE(.id = ID_C);
    assert_string_equal(created_reference("a:1"), "docker.io/library/a" DIGEST("1"));
    assert_string_equal(created_reference("bb"), "docker.io/library/bb:latest");
    assert_string_equal(created_reference("h:5000/c:2"), "h:5000/c:2");
    assert_string_equal(created_reference("bbbb"), "docker.io/library/bb:latest");
    assert_string_equal(created_reference(ID_C), ID_C);
    assert_string_equal(created_reference("nope"), "No such image: nope:latest");
}

/* The same image from two places: each name is pulled from its own. */
TEST_USING(backend_rig, create_pulls_from_the_repository_that_was_asked_for)
{
    RIG_IMAGE(.id = ID_A, .tags = {"a:1", "h:5000/c:2", "mine:3"},
              .digests = {"a" DIGEST("1"), "h:5000/c" DIGEST("2")},
              .pull_reference = "h:5000/c" DIGEST("2"));
    assert_string_equal(created_reference("a:1"), "docker.io/library/a" DIGEST("1"));
    assert_string_equal(created_reference("h:5000/c:2"), "h:5000/c" DIGEST("2"));
    assert_string_equal(created_reference("mine:3"), "h:5000/c" DIGEST("2"));
    assert_string_equal(created_reference(ID_A), "h:5000/c" DIGEST("2"));
}

/* ---- the store ---- */

TEST_USING(backend_rig, load_keeps_what_the_registry_said)
{
    struct error err;
    RIG_IMAGE(.id = ID_A, .tags = {"a:1"}, .config = "{}", .manifest = "{\"m\":1}",
              .pull_reference = "docker.io/library/a" DIGEST("1"));
    RIG_IMAGE(.id = ID_A, .tags = {"a:2"});
    const Sockerless__ImageRecord *rec = image_store_find(rig.backend.images, "a:2", &err);
    assert_string_equal(rec->pull_reference, "docker.io/library/a" DIGEST("1"));
    assert_int_equal(rec->manifest_json.len, 7);
    assert_int_equal(rec->config_json.len, 2);
}

static void run_sql(const char *sql)
{
    AUTO_FREE char *path = xasprintf("%s/sockerless.db", rig.directory);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

TEST_USING(backend_rig, database_of_an_older_version_opens)
{
    struct error err;
    void *sealed;
    size_t len;
    RIG_IMAGE(.id = ID_A, .tags = {"a:1"});
    backend_rig_close_store();
    run_sql("DROP TABLE credential; PRAGMA user_version=0;");
    backend_rig_open_store();
    assert_string_equal(tags_of("a:1"), "a:1 ");
    assert_int_equal(store_credential_put(rig.backend.store, "h", "a\0b", 3, &err), 0);
    assert_int_equal(store_credential_get(rig.backend.store, "h", &sealed, &len, &err), 0);
    assert_int_equal(len, 3);
    assert_memory_equal(sealed, "a\0b", 3);
    free(sealed);
    assert_int_equal(store_credential_get(rig.backend.store, "i", &sealed, &len, &err), 0);
    assert_null(sealed);
}

TEST_USING(backend_rig, database_of_a_newer_version_is_refused)
{
    struct error err;
    struct store *again = NULL;
    backend_rig_close_store();
    run_sql("PRAGMA user_version=1000;");
    assert_int_equal(store_open(rig.directory, &again, &err), -1);
    assert_int_equal(err.code, ERROR_CONFLICT);
    assert_non_null(strstr(err.message, "newer version"));
    run_sql("PRAGMA user_version=2;");
    backend_rig_open_store();
}
