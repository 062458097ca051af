/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a peer has read what it was sent: unix sockets, TCP by IPv4, by IPv6, and by IPv4 to a
 * listener for both.
 */
#include "frontend/http/peer_queue.h"

#include "test/kit/test.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct pair {
    int sender, reader;
};

static void pair_close(struct pair *p)
{
    close(p->sender);
    close(p->reader);
}

/* The reader has connected to `family`, the sender was accepted by a listener of `listener`. */
static struct pair tcp_pair(int listener, int family)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *to = listener == AF_INET ? (void *)&v4 : (void *)&any;
    socklen_t len = listener == AF_INET ? sizeof v4 : sizeof any;
    int fd = socket(listener, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, to, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, to, &len), 0);
    v4.sin_port = listener == AF_INET ? v4.sin_port : any.sin6_port;
    any.sin6_addr = in6addr_loopback;
    struct pair p = {.reader = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    to = family == AF_INET ? (void *)&v4 : (void *)&any;
    assert_int_equal(connect(p.reader, to, family == AF_INET ? sizeof v4 : sizeof any), 0);
    p.sender = accept(fd, NULL, NULL);
    assert_true(p.sender >= 0);
    close(fd);
    return p;
}

static void expect_exact(struct pair *p)
{
    char bytes[3];
    assert_int_equal(peer_queue_look(p->sender), PEER_QUEUE_READ);
    assert_int_equal(send(p->sender, "abc", 3, 0), 3);
    assert_int_equal(peer_queue_look(p->sender), PEER_QUEUE_UNREAD);
    assert_int_equal(recv(p->reader, bytes, 2, 0), 2);
    assert_int_equal(peer_queue_look(p->sender), PEER_QUEUE_UNREAD);
    assert_int_equal(recv(p->reader, bytes, 1, 0), 1);
    while (peer_queue_bytes(p->sender)) /* an acknowledgement may take a moment */
        usleep(1000);
    assert_int_equal(peer_queue_look(p->sender), PEER_QUEUE_READ);
    pair_close(p);
}

TEST(unix_socket)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    expect_exact(&(struct pair){fds[0], fds[1]});
}

TEST(ipv4)
{
    struct pair p = tcp_pair(AF_INET, AF_INET);
    expect_exact(&p);
}

TEST(ipv6)
{
    struct pair p = tcp_pair(AF_INET6, AF_INET6);
    expect_exact(&p);
}

TEST(ipv4_to_a_listener_for_both)
{
    struct pair p = tcp_pair(AF_INET6, AF_INET);
    expect_exact(&p);
}

/* The peer's socket is gone: as one on another host, it is not found. */
TEST(no_such_peer)
{
    struct pair p = tcp_pair(AF_INET, AF_INET);
    struct linger at_once = {.l_onoff = 1};
    setsockopt(p.reader, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(p.reader);
    assert_int_equal(peer_queue_look(p.sender), PEER_QUEUE_RECEIVED);
    close(p.sender);
}
