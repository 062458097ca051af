/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the HTTP client share; see http_rig.h.
 */
#include "test/kit/http_rig.h"

int http_rig_open(void **state, mock_handler serve, mock_handler serve_other)
{
    struct rig *f = NEW(struct rig);
    struct error err;
    if (loop_init(&f->loop, &err) || http_client_open(&f->loop, NULL, &f->http, &err)) {
        free(f);
        return -1;
    }
    f->mock = mock_start(serve, f);
    f->other = mock_start(serve_other, f);
    *state = f;
    return 0;
}

int http_rig_close(void **state)
{
    struct rig *f = *state;
    http_client_close(f->http);
    loop_fini(&f->loop);
    mock_stop(f->mock);
    mock_stop(f->other);
    free(f);
    return 0;
}

const char *http_rig_url(const struct mock *at, const char *path)
{
    static char urls[8][256];
    static int next;
    char *url = urls[next++ % 8];
    snprintf(url, sizeof urls[0], "http://127.0.0.1:%d%s", at->port, path);
    return url;
}

char *http_rig_body(size_t len)
{
    char *body = xmalloc(len + 1);
    for (size_t i = 0; i < len; i++)
        body[i] = http_rig_byte(i);
    return body;
}
