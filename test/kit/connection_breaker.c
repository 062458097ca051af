/* SPDX-License-Identifier: Apache-2.0
 * A server that resets its connections; see connection_breaker.h. */
#include "test/kit/connection_breaker.h"

#include "base/alloc.h"
#include "test/kit/test.h"

struct connection {
    struct connection_breaker *owner;
    uv_tcp_t tcp;
    uv_timer_t timer;
    unsigned handles;
};

static void on_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    if (--c->handles)
        return;
    c->owner->open--;
    free(c);
}

static void on_time(uv_timer_t *timer)
{
    struct connection *c = timer->data;
    uv_tcp_close_reset(&c->tcp, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct connection_breaker *b = listener->data;
    struct connection *c = NEW(struct connection);
    assert_int_equal(status, 0);
    c->owner = b;
    uv_tcp_init(listener->loop, &c->tcp);
    uv_timer_init(listener->loop, &c->timer);
    c->tcp.data = c->timer.data = c;
    c->handles = 2;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&c->tcp), 0);
    uv_timer_start(&c->timer, on_time, (uint64_t)b->life_ms + b->open++ % 4, 0);
}

void connection_breaker_listen(struct connection_breaker *b, uv_loop_t *loop, int life_ms)
{
    struct sockaddr_in address;
    int len = sizeof address;
    *b = (struct connection_breaker){.life_ms = life_ms};
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(loop, &b->listener);
    b->listener.data = b;
    uv_tcp_bind(&b->listener, (const struct sockaddr *)&address, 0);
    assert_int_equal(uv_listen((uv_stream_t *)&b->listener, 128, on_connection), 0);
    uv_tcp_getsockname(&b->listener, (struct sockaddr *)&address, &len);
    b->port = ntohs(address.sin_port);
}
