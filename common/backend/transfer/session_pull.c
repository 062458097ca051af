/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker pull`: fetches manifest and configuration from the registry and stores the image. The
 * layers are pulled by the cloud when a container starts; they are reported as dockerd reports
 * them, because clients wait for these words. Nothing is said before the registry has answered, so
 * that an early failure is a plain error.
 *
 * A repository that images are known of is asked by HEAD: while the digest is a known one (and was
 * compared not longer ago than --image-ttl-s), nothing is fetched.
 *
 * A client that goes away does not stop the pull of a tag: what it costs is one more small answer.
 * It does stop a pull of all tags.
 */
#include "backend/api/session.h"
#include "backend/state/backend_internal.h"
#include "backend/image/credential_store.h"
#include "backend/image/image_layers.h"
#include "backend/image/image_record.h"
#include "backend/inject/image_prepare.h"
#include "backend/transfer/pull_private.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "oci/name/image_ref.h"
#include "oci/name/platform.h"
#include "oci/registry/registry_repo.h"

#include <stdio.h>
#include <string.h>

enum { DOWNLOADS_AT_ONCE = 3 }; /* dockerd's; layers beyond it say that they wait */

struct pull_session {
    struct backend *backend;
    struct channel *channel; /* NULL: closed */
    struct arena arena;
    struct arena work; /* of the tag that is being pulled */
    const char *reference, *tag, *platform;
    unsigned char *auth_json;
    size_t auth_len;
    bool opened;   /* the client reads progress from here on */
    bool fetching; /* the coroutine is alive */
    bool ended;    /* the channel got its last frame */
};

/* One reference on its way into the store. */
struct pull {
    struct image_ref ref;
    char familiar[IMAGE_REF_TEXT_MAX];
    char full_name[IMAGE_REF_TEXT_MAX];
    Sockerless__ImageRecord rec; /* what will be stored; borrows */
    struct descriptor *layers;   /* as fetched; NULL: nothing was */
    size_t layer_count;
};

static void session_free(struct pull_session *s)
{
    if (s->auth_len)
        explicit_bzero(s->auth_json, s->auth_len);
    arena_fini(&s->work);
    arena_fini(&s->arena);
    free(s);
}

/* ---- what the client reads ---- */

static void progress_of(struct pull_session *s, const char *id, const char *status, int64_t size)
{
    if (!s->channel)
        return;
    Sockerless__Progress p = SOCKERLESS__PROGRESS__INIT;
    p.id = (char *)id;
    p.status = (char *)status;
    p.current = p.total = size;
    channel_send_message(s->channel, FRAME_PROGRESS, NULL, 0, &p.base);
}

static void progress(struct pull_session *s, const char *id, const char *status)
{
    progress_of(s, id, status, 0);
}

static void report_opened(struct pull_session *s)
{
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    if (s->channel && !s->opened)
        channel_send_message(s->channel, FRAME_OPENED, NULL, 0, &opened.base);
    s->opened = true;
}

/* One layer after the other, each through all its states: no bytes flow that could overlap. */
static void report_layers(struct pull_session *s, const struct pull *p)
{
    size_t known = image_layers_kept(s->backend->images, p->rec.image);
    if (known > p->layer_count)
        known = p->layer_count;
    char **ids = arena_alloc(&s->work, (p->layer_count + 1) * sizeof *ids);
    for (size_t i = 0; i < p->layer_count; i++) {
        const char *colon = strchr(p->layers[i].digest, ':');
        ids[i] = arena_printf(&s->work, "%.12s", colon ? colon + 1 : p->layers[i].digest);
        progress(s, ids[i], i < known ? "Already exists" : "Pulling fs layer");
    }
    for (size_t i = known + DOWNLOADS_AT_ONCE; i < p->layer_count; i++)
        progress(s, ids[i], "Waiting");
    for (size_t i = known; i < p->layer_count; i++) {
        progress_of(s, ids[i], "Downloading", p->layers[i].size);
        progress(s, ids[i], "Verifying Checksum");
        progress(s, ids[i], "Download complete");
    }
    for (size_t i = known; i < p->layer_count; i++) {
        progress_of(s, ids[i], "Extracting", p->layers[i].size);
        progress(s, ids[i], "Pull complete");
    }
}

static void report_status(struct pull_session *s, const char *familiar, bool newer)
{
    progress(s, "",
             arena_printf(&s->arena, "Status: %s for %s",
                          newer ? "Downloaded newer image" : "Image is up to date", familiar));
}

static void session_fail(struct pull_session *s, const struct error *err)
{
    if (s->channel && !s->ended)
        channel_fail(s->channel, err);
    s->ended = true;
}

static void session_finish(struct pull_session *s)
{
    if (s->channel && !s->ended)
        channel_end(s->channel);
    s->ended = true;
}

/* ---- known images ---- */

/* What is stored serves requests for this platform now. */
static bool platform_serves(const struct pull_session *s, const Sockerless__Image *image)
{
    struct platform want, have;
    struct error unreadable; /* the fetch will say it */
    const char *text = str_empty(s->platform) ? s->backend->config->platform : s->platform;
    if (platform_parse(str_empty(text) ? "linux/amd64" : text, &want, &unreadable))
        return false;
    platform_set(&have, image->os, image->architecture, image->variant);
    return strcmp(want.os, have.os) == 0 && strcmp(want.architecture, have.architecture) == 0 &&
           strcmp(want.variant, have.variant) == 0;
}

/* The image under this manifest digest; NULL: it has to be fetched. A digest never means anything
 * else later, so only tags grow old. */
static const Sockerless__ImageRecord *find_known(struct pull_session *s, const struct pull *p,
                                                 const char *digest)
{
    size_t count;
    int64_t oldest = time_now_ns() - s->backend->config->image_ttl_s * INT64_C(1000000000);
    const Sockerless__ImageRecord **all = image_store_all(s->backend->images, &s->work, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i]->manifest_digest, digest) == 0 && all[i]->config_json.len &&
            platform_serves(s, all[i]->image) && (p->ref.digest[0] || all[i]->checked_at > oldest))
            return all[i];
    return NULL;
}

static bool repository_known(struct pull_session *s, const struct pull *p)
{
    size_t count;
    const Sockerless__ImageRecord **all = image_store_all(s->backend->images, &s->work, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i]->blob_repository, p->full_name) == 0)
            return true;
    return false;
}

static int repo_open(struct pull_session *s, const struct image_ref *ref,
                     struct registry_repo **repo, struct error *err)
{
    struct registry_repo_options options = {
        .ref = ref,
        .auth_json = s->auth_len ? s->auth_json : NULL,
        .auth_json_len = s->auth_len,
        .login = co_backend_login,
        .login_arg = s->backend,
    };
    return registry_repo_open(s->backend->registry, &options, repo, err);
}

/* Sets *known when the registry has under this reference what we have. */
static int co_ask_digest(struct pull_session *s, const struct pull *p,
                         const Sockerless__ImageRecord **known, struct error *err)
{
    struct registry_repo *repo;
    struct registry_manifest found;
    *known = NULL;
    if (!repository_known(s, p)) /* then the fetch asks */
        return 0;
    if (repo_open(s, &p->ref, &repo, err))
        return -1;
    int rc = co_registry_manifest_head(repo, p->ref.digest[0] ? p->ref.digest : p->ref.tag,
                                       &s->work, &found, err);
    registry_repo_close(repo);
    if (rc == 0)
        *known = find_known(s, p, found.digest);
    return rc;
}

/* ---- one reference ---- */

static int co_fetch(struct pull_session *s, struct pull *p, struct error *err)
{
    struct registry_image fetched;
    struct registry_fetch fetch = {
        .ref = &p->ref,
        .auth_json = s->auth_len ? s->auth_json : NULL,
        .auth_json_len = s->auth_len,
        .platform = s->platform,
        .login = co_backend_login,
        .login_arg = s->backend,
    };
    if (co_registry_fetch_image(s->backend->registry, &fetch, &s->work, &fetched, err))
        return -1;
    p->rec.image = fetched.image;
    p->rec.manifest_digest = fetched.manifest_digest;
    p->rec.config_json.data = fetched.raw_config;
    p->rec.config_json.len = fetched.raw_config_len;
    p->rec.manifest_json.data = fetched.raw_manifest;
    p->rec.manifest_json.len = fetched.raw_manifest_len;
    p->rec.manifest_type = fetched.manifest_type;
    p->layers = fetched.layers;
    p->layer_count = fetched.layer_count;
    return 0;
}

/* The record gets its names. tagged_ns: when the reference began to mean this image. */
static int remember(struct pull_session *s, struct pull *p, int64_t tagged_ns, struct error *err)
{
    char name[IMAGE_REF_TEXT_MAX];
    Sockerless__ImageRecord *rec = &p->rec;
    Sockerless__Image image = *rec->image;
    char *familiar = p->familiar;
    char *digest =
        arena_printf(&s->work, "%s@%s", image_ref_familiar_name(&p->ref, name, sizeof name),
                     rec->manifest_digest);
    rec->image = &image;
    rec->pull_reference = arena_printf(&s->work, "%s@%s", p->full_name, rec->manifest_digest);
    rec->blob_repository = p->full_name;
    rec->checked_at = time_now_ns();
    image.last_tagged = tagged_ns;
    image.repo_digests = &digest;
    image.n_repo_digests = 1;
    image.repo_tags = &familiar;
    image.n_repo_tags = p->ref.digest[0] ? 0 : 1;
    return image_store_put(s->backend->images, rec, err);
}

static int co_stage_private(struct pull_session *s, struct pull *p, bool fetched, struct error *err)
{
    const struct pull_login login = {s->auth_len ? s->auth_json : NULL, s->auth_len};
    p->rec.pull_reference = arena_printf(&s->work, "%s@%s", p->full_name, p->rec.manifest_digest);
    p->rec.blob_repository = p->full_name;
    return co_pull_private(s->backend, &p->rec, &p->ref, &login, fetched, &s->work, err);
}

/* *newer: the reference means something else than before, or something at all. */
static int co_pull_reference(struct pull_session *s, struct pull *p, bool *newer, struct error *err)
{
    struct error absent;
    const Sockerless__ImageRecord *known;
    if (co_ask_digest(s, p, &known, err))
        return -1;
    if (known)
        p->rec = *image_record_copy(known, &s->work); /* we may suspend */
    else if (co_fetch(s, p, err))
        return -1;
    const char *id = arena_strdup(&s->work, p->rec.image->id); /* remember() makes another image */
    const Sockerless__ImageRecord *before =
        image_store_find(s->backend->images, p->familiar, &absent);
    const Sockerless__ImageRecord *same = image_store_find(s->backend->images, id, &absent);
    bool tagged = !before || strcmp(before->image->id, id) != 0;
    const char *digest =
        arena_strdup(&s->work, p->rec.manifest_digest); /* known goes with the put */
    int64_t tagged_ns = tagged ? time_now_ns() : before->image->last_tagged;
    report_opened(s);
    progress(s, p->ref.digest[0] ? p->familiar : p->ref.tag,
             arena_printf(&s->work, "Pulling from %s", p->ref.path));
    if (co_stage_private(s, p, !known, err))
        return -1;
    if (!same)
        report_layers(s, p);
    progress(s, "", arena_printf(&s->work, "Digest: %s", digest));
    if (remember(s, p, tagged_ns, err))
        return -1;
    log_info("pulled", LOG_STR("image", p->familiar), LOG_STR("digest", digest),
             LOG_STR("config", known ? "known" : "fetched"));
    image_prepare_begin(s->backend, id);
    *newer |= tagged;
    return 0;
}

static int co_pull_one(struct pull_session *s, const struct image_ref *ref, bool *newer,
                       struct error *err)
{
    struct pull *p = arena_calloc(&s->work, 1, sizeof *p);
    struct image_ref name = *ref;
    p->ref = *ref;
    sockerless__image_record__init(&p->rec);
    image_ref_familiar(ref, p->familiar, sizeof p->familiar);
    name.tag[0] = name.digest[0] = '\0';
    image_ref_full(&name, p->full_name, sizeof p->full_name);
    return co_pull_reference(s, p, newer, err);
}

/* ---- all tags ---- */

static int co_list_tags(struct pull_session *s, const struct image_ref *ref, char ***tags,
                        size_t *count, struct error *err)
{
    struct registry_repo *repo;
    if (repo_open(s, ref, &repo, err))
        return -1;
    int rc = co_registry_tags(repo, &s->arena, tags, count, err);
    registry_repo_close(repo);
    return rc;
}

static int co_pull_all(struct pull_session *s, struct image_ref *ref, bool *newer,
                       struct error *err)
{
    char **tags;
    size_t count;
    if (co_list_tags(s, ref, &tags, &count, err))
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!s->channel)
            return error_set(err, ERROR_CANCELLED, "the client is gone");
        if (!image_ref_tag_valid(tags[i]))
            return error_set(err, ERROR_SYSTEM, "the registry lists a tag that is none");
        strcpy(ref->tag, tags[i]); /* as long as a valid one may be */
        arena_fini(&s->work);
        arena_init(&s->work);
        if (co_pull_one(s, ref, newer, err))
            return -1;
    }
    ref->tag[0] = '\0';
    return 0;
}

static int co_pull(struct pull_session *s, struct error *err)
{
    struct image_ref ref;
    bool newer = false;
    struct platform platform;
    if ((!str_empty(s->platform) && platform_parse(s->platform, &platform, err)) ||
        image_ref_parse_pull(s->reference, s->tag, &ref, err))
        return -1;
    bool all = !ref.tag[0] && !ref.digest[0];
    if (ref.digest[0])
        ref.tag[0] = '\0'; /* the digest decides */
    if (!all)
        image_ref_default_tag(&ref);
    if (all ? co_pull_all(s, &ref, &newer, err) : co_pull_one(s, &ref, &newer, err))
        return -1;
    char familiar[IMAGE_REF_TEXT_MAX];
    report_opened(s);
    report_status(s, image_ref_familiar(&ref, familiar, sizeof familiar), newer);
    return 0;
}

static void co_session_run(void *arg)
{
    struct pull_session *s = arg;
    struct error err;
    if (co_pull(s, &err))
        session_fail(s, &err);
    else
        session_finish(s);
    s->fetching = false;
    if (!s->channel)
        session_free(s);
}

/* ---- the channel ---- */

static void on_frame(void *owner, const struct frame *f)
{
    (void)owner; /* the client has nothing to say */
    (void)f;
}

static void on_closed(void *owner, const struct error *why)
{
    struct pull_session *s = owner;
    (void)why;
    s->channel = NULL;
    if (!s->fetching)
        session_free(s);
}

static const struct channel_events session_events = {.frame = on_frame, .closed = on_closed};

void session_pull_open(struct backend *b, struct channel *channel,
                       const Sockerless__ImagePullOpen *open)
{
    struct pull_session *s = NEW(struct pull_session);
    struct error err;
    s->backend = b;
    s->channel = channel;
    arena_init(&s->arena);
    arena_init(&s->work);
    s->reference = arena_strdup(&s->arena, open->reference);
    s->tag = arena_strdup(&s->arena, open->tag);
    s->platform = arena_strdup(&s->arena, open->platform);
    if (open->registry_auth.len) {
        s->auth_len = open->registry_auth.len;
        s->auth_json = arena_alloc(&s->arena, s->auth_len);
        memcpy(s->auth_json, open->registry_auth.data, s->auth_len);
    }
    channel_start(channel, &session_events, s);
    s->fetching = true;
    if (co_spawn(b->loop, co_session_run, s, &err)) {
        s->fetching = false;
        session_fail(s, &err);
    }
}
