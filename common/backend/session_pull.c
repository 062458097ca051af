/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker pull`: fetches manifest and configuration from the registry and remembers the image. The
 * layers are pulled by the cloud when a container starts; they are reported as dockerd reports
 * them, because clients wait for these words. Nothing is said before the registry has answered, so
 * that an early failure is a plain error.
 *
 * A client that goes away does not stop the pull: what it costs is one more small answer.
 */
#include "backend/backend_internal.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "oci/image_ref.h"
#include "oci/registry.h"

#include <string.h>

struct pull_session {
    struct backend *backend;
    struct channel *channel; /* NULL: closed */
    struct arena arena;
    const char *reference, *platform;
    unsigned char *auth_json;
    size_t auth_len;
    bool fetching; /* the coroutine is alive */
    bool ended;    /* the channel got its last frame */
};

static void session_free(struct pull_session *s)
{
    if (s->auth_len)
        explicit_bzero(s->auth_json, s->auth_len);
    arena_fini(&s->arena);
    free(s);
}

/* ---- what the client reads ---- */

static void progress(struct pull_session *s, const char *id, const char *status)
{
    if (!s->channel)
        return;
    Sockerless__Progress p = SOCKERLESS__PROGRESS__INIT;
    p.id = (char *)id;
    p.status = (char *)status;
    channel_send_message(s->channel, FRAME_PROGRESS, NULL, 0, &p.base);
}

static void report_start(struct pull_session *s, const struct image_ref *ref, const char *familiar)
{
    if (!s->channel)
        return;
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    channel_send_message(s->channel, FRAME_OPENED, NULL, 0, &opened.base);
    progress(s, ref->digest[0] ? familiar : ref->tag,
             arena_printf(&s->arena, "Pulling from %s", ref->path));
}

static bool layer_known(struct pull_session *s, const char *diff_id)
{
    size_t count;
    const Sockerless__ImageRecord **all = image_store_all(s->backend->images, &s->arena, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t d = 0; d < all[i]->image->n_diff_ids; d++)
            if (strcmp(all[i]->image->diff_ids[d], diff_id) == 0)
                return true;
    return false;
}

static void report_layers(struct pull_session *s, const struct registry_image *fetched)
{
    const Sockerless__Image *image = fetched->image;
    char **short_ids = arena_calloc(&s->arena, fetched->layer_count + 1, sizeof *short_ids);
    for (size_t i = 0; i < fetched->layer_count; i++) {
        const char *colon = strchr(fetched->layers[i].digest, ':');
        char *id = arena_printf(&s->arena, "%.12s", colon ? colon + 1 : fetched->layers[i].digest);
        if (i < image->n_diff_ids && layer_known(s, image->diff_ids[i])) {
            progress(s, id, "Already exists");
        } else {
            short_ids[i] = id;
            progress(s, id, "Pulling fs layer");
        }
    }
    static const char *const steps[] = {"Download complete", "Pull complete"};
    for (size_t step = 0; step < ARRAY_LEN(steps); step++)
        for (size_t i = 0; i < fetched->layer_count; i++)
            if (short_ids[i])
                progress(s, short_ids[i], steps[step]);
}

static void session_fail(struct pull_session *s, const struct error *err)
{
    if (s->channel && !s->ended)
        channel_fail(s->channel, err);
    s->ended = true;
}

static void session_finish(struct pull_session *s)
{
    if (s->channel && !s->ended) {
        channel_send(s->channel, FRAME_END, NULL, 0);
        channel_finish(s->channel);
    }
    s->ended = true;
}

/* ---- the pull ---- */

/* The cloud's own registry needs no credentials from the client. */
static int co_driver_login(void *arg, const char *host, struct registry_login *out,
                           struct error *err)
{
    struct cloud_driver *driver = arg;
    struct registry_credentials found = {0};
    if (!driver->co_registry_credentials)
        return 0;
    if (driver->co_registry_credentials(driver->self, host, &found, err))
        return error_wrap(err, "credentials for %s", host);
    if (!found.found)
        return 0;
    out->username = found.username;
    out->password = found.password;
    return 0;
}

static int co_fetch(struct pull_session *s, const struct image_ref *ref,
                    struct registry_image *fetched, struct error *err)
{
    struct registry_fetch fetch = {
        .ref = ref,
        .auth_json = s->auth_len ? s->auth_json : NULL,
        .auth_json_len = s->auth_len,
        .platform = s->platform,
        .login = co_driver_login,
        .login_arg = s->backend->driver,
    };
    return co_registry_fetch_image(s->backend->registry, &fetch, &s->arena, fetched, err);
}

static char *digest_reference(struct pull_session *s, const struct image_ref *ref,
                              const char *digest, bool full)
{
    char text[IMAGE_REF_TEXT_MAX];
    if (full) {
        struct image_ref name = *ref;
        name.tag[0] = name.digest[0] = '\0';
        image_ref_full(&name, text, sizeof text);
    } else {
        image_ref_familiar_name(ref, text, sizeof text);
    }
    return arena_printf(&s->arena, "%s@%s", text, digest);
}

static int remember(struct pull_session *s, const struct image_ref *ref, char *familiar,
                    const struct registry_image *fetched, struct error *err)
{
    Sockerless__Image *image = fetched->image;
    Sockerless__ImageRecord rec = SOCKERLESS__IMAGE_RECORD__INIT;
    char *digest = digest_reference(s, ref, fetched->manifest_digest, false);
    rec.image = image;
    rec.pull_reference = digest_reference(s, ref, fetched->manifest_digest, true);
    rec.manifest_digest = fetched->manifest_digest;
    rec.checked_at = image->last_tagged = time_now_ns();
    image->repo_digests = &digest;
    image->n_repo_digests = 1;
    image->repo_tags = &familiar;
    image->n_repo_tags = ref->digest[0] ? 0 : 1;
    int rc = image_store_put(s->backend->images, &rec, err);
    image->repo_digests = image->repo_tags = NULL; /* they were this function's own */
    image->n_repo_digests = image->n_repo_tags = 0;
    return rc;
}

static int co_pull(struct pull_session *s, struct error *err)
{
    struct image_ref ref;
    struct registry_image fetched;
    if (image_ref_parse(s->reference, &ref, err))
        return -1;
    if (ref.digest[0])
        ref.tag[0] = '\0'; /* the digest decides */
    image_ref_default_tag(&ref);
    char *familiar = arena_alloc(&s->arena, IMAGE_REF_TEXT_MAX);
    image_ref_familiar(&ref, familiar, IMAGE_REF_TEXT_MAX);
    if (co_fetch(s, &ref, &fetched, err))
        return -1;
    struct error unknown;
    const Sockerless__ImageRecord *known = image_store_find(s->backend->images, familiar, &unknown);
    bool up_to_date = known && strcmp(known->image->id, fetched.image->id) == 0;
    report_start(s, &ref, familiar);
    if (!up_to_date)
        report_layers(s, &fetched);
    if (remember(s, &ref, familiar, &fetched, err))
        return -1;
    progress(s, "", arena_printf(&s->arena, "Digest: %s", fetched.manifest_digest));
    progress(s, "",
             arena_printf(&s->arena, "Status: %s for %s",
                          up_to_date ? "Image is up to date" : "Downloaded newer image", familiar));
    log_info("pulled", LOG_STR("image", familiar), LOG_STR("digest", fetched.manifest_digest));
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
    s->reference = arena_strdup(&s->arena, open->reference);
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
