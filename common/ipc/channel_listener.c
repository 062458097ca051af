/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening for channels with nng; see channel.h. A listener outlives its close until its accept
 * and all its channels are gone.
 */
#include "ipc/channel_internal.h"

#include "base/alloc.h"
#include "base/listen_address.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "ipc/nng_op.h"
#include "ipc/nng_transport.h"

#include <stdio.h>
#include <string.h>

enum { CHANNELS_DEFAULT_MAX = 16384, ACCEPT_RETRY_MS = 100, REFUSALS_LOG_MS = 1000 };

struct channel_listener {
    struct loop *loop;
    nng_stream_listener *nng;
    struct nng_op accept;
    uv_timer_t retry; /* after an accept that failed, for instance without descriptors */
    bool retry_closed;
    struct channel_options options;
    void (*on_accept)(void *owner, struct channel *c);
    void *owner;
    unsigned live, max;
    unsigned refused; /* since it was logged */
    int64_t refused_logged_ms;
    bool closing;
    char url[512];
};

static void listener_maybe_free(struct channel_listener *l)
{
    if (!l->closing || l->accept.pending || l->live || !l->retry_closed)
        return;
    nng_op_fini(&l->accept);
    nng_stream_listener_free(l->nng);
    free(l);
}

static void on_transport_freed(void *arg)
{
    struct channel_listener *l = arg;
    l->live--;
    listener_maybe_free(l);
}

static bool stream_authorized(struct channel_listener *l, nng_stream *stream)
{
    if (!l->options.authorize)
        return true;
    char *value = NULL;
    if (nng_stream_get_string(stream, "ws:request-header:Authorization", &value))
        value = NULL;
    bool ok = l->options.authorize(l->owner, value ? value : "");
    if (value) {
        explicit_bzero(value, strlen(value));
        nng_strfree(value);
    }
    return ok;
}

/* One line for as many as come in a second: refused connections do not fill the disk. */
static void refusal_log(struct channel_listener *l)
{
    int64_t now = time_mono_ms();
    l->refused++;
    if (l->refused_logged_ms && now - l->refused_logged_ms < REFUSALS_LOG_MS)
        return;
    log_warn("connection refused", LOG_STR("address", l->url), LOG_INT("live", l->live),
             LOG_INT("refused", l->refused));
    l->refused = 0;
    l->refused_logged_ms = now;
}

static void accept_next(struct channel_listener *l)
{
    nng_stream_listener_accept(l->nng, nng_op_begin(&l->accept));
}

static void on_retry(uv_timer_t *timer)
{
    struct channel_listener *l = timer->data;
    if (!l->closing && !l->accept.pending)
        accept_next(l);
}

static void on_accepted(struct nng_op *op)
{
    struct channel_listener *l = CONTAINER_OF(op, struct channel_listener, accept);
    int rc = nng_aio_result(op->aio);
    nng_stream *stream = rc ? NULL : nng_aio_get_output(op->aio, 0);
    if (l->closing) {
        if (stream)
            nng_stream_free(stream);
        listener_maybe_free(l);
        return;
    }
    if (rc) {
        log_warn("accept failed", LOG_STR("address", l->url), LOG_STR("error", nng_strerror(rc)));
        uv_timer_start(&l->retry, on_retry, ACCEPT_RETRY_MS, 0);
        return;
    }
    accept_next(l);
    if (l->live >= l->max || !stream_authorized(l, stream)) {
        refusal_log(l);
        nng_stream_free(stream);
        return;
    }
    l->live++;
    struct transport *t =
        nng_transport_new(l->loop, stream, str_starts(l->url, "ws"), on_transport_freed, l);
    l->on_accept(l->owner, channel_from_transport(l->loop, t, l->url, &l->options));
}

/* nng would remove whatever is in the way. */
static int place_prepare(const char *url, struct error *err)
{
    struct listen_address address;
    if (!str_starts(url, "ipc://"))
        return 0;
    return listen_address_parse(url, "ipc://", &address, err) ||
                   listen_address_prepare(&address, err)
               ? error_wrap(err, "cannot listen on %s", url)
               : 0;
}

static int listener_configure(struct channel_listener *l, struct error *err)
{
    int rc = 0;
    if (str_starts(l->url, "ipc://"))
        rc = nng_stream_listener_set_int(l->nng, NNG_OPT_IPC_PERMISSIONS, 0660);
    /* nng's HTTP server leaves Nagle's algorithm on: two small frames would be 40 ms apart. */
    if (rc == 0 && str_starts(l->url, "ws"))
        rc = nng_stream_listener_set_bool(l->nng, NNG_OPT_TCP_NODELAY, true);
    if (rc == 0)
        rc = nng_stream_listener_listen(l->nng);
    return rc ? error_set(err, ERROR_UNAVAILABLE, "cannot listen on %s: %s; choose another address",
                          l->url, nng_strerror(rc))
              : 0;
}

int channel_listen(struct loop *loop, const char *url, const struct channel_options *options,
                   void (*on_accept)(void *owner, struct channel *c), void *owner,
                   struct channel_listener **out, struct error *err)
{
    if (place_prepare(url, err))
        return -1;
    struct channel_listener *l = NEW(struct channel_listener);
    snprintf(l->url, sizeof l->url, "%s", url);
    l->loop = loop;
    l->on_accept = on_accept;
    l->owner = owner;
    if (options)
        l->options = *options;
    l->max = l->options.channels_max ? l->options.channels_max : CHANNELS_DEFAULT_MAX;
    int rc = nng_stream_listener_alloc(&l->nng, url);
    if (rc) {
        free(l);
        return error_set(err, ERROR_INVALID_PARAMETER, "address %s: %s", url, nng_strerror(rc));
    }
    if (listener_configure(l, err) || nng_op_init(&l->accept, loop, on_accepted, err)) {
        nng_op_fini(&l->accept);
        nng_stream_listener_free(l->nng);
        free(l);
        return -1;
    }
    uv_timer_init(&loop->uv, &l->retry);
    l->retry.data = l;
    accept_next(l);
    *out = l;
    return 0;
}

static void on_retry_closed(uv_handle_t *handle)
{
    struct channel_listener *l = handle->data;
    l->retry_closed = true;
    listener_maybe_free(l);
}

void channel_listener_close(struct channel_listener *l)
{
    if (l->closing)
        return;
    l->closing = true;
    nng_stream_listener_close(l->nng);
    if (l->accept.pending)
        nng_aio_cancel(l->accept.aio); /* nng's WebSocket listener lets an accept wait for ever */
    uv_close((uv_handle_t *)&l->retry, on_retry_closed);
}
