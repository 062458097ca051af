/* SPDX-License-Identifier: Apache-2.0
 * What the peer of a socket has read; see peer_queue.h. Asked by http_out.c. */
#include "frontend/http/peer_queue.h"

#include <stdbool.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct diag_request {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
};

size_t peer_queue_bytes(int fd)
{
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) < 0 || bytes < 0 ? 0 : (size_t)bytes;
}

static in_port_t address_put(const union address *a, __be32 out[4])
{
    if (a->any.sa_family == AF_INET) {
        out[0] = a->v4.sin_addr.s_addr;
        return a->v4.sin_port;
    }
    memcpy(out, &a->v6.sin6_addr, sizeof a->v6.sin6_addr);
    return a->v6.sin6_port;
}

/* The peer's socket, if it is on this host: its own address is our peer's. */
static bool request_fill(struct diag_request *r, int fd)
{
    union address own = {0}, peer = {0};
    socklen_t own_len = sizeof own, peer_len = sizeof peer;
    if (getsockname(fd, &own.any, &own_len) || getpeername(fd, &peer.any, &peer_len) ||
        (peer.any.sa_family != AF_INET && peer.any.sa_family != AF_INET6))
        return false;
    struct inet_diag_sockid *id = &r->body.id;
    r->header = (struct nlmsghdr){
        .nlmsg_len = sizeof *r, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST};
    r->body = (struct inet_diag_req_v2){.sdiag_family = (__u8)peer.any.sa_family,
                                        .sdiag_protocol = IPPROTO_TCP,
                                        .idiag_states = ~0U};
    id->idiag_sport = address_put(&peer, id->idiag_src);
    id->idiag_dport = address_put(&own, id->idiag_dst);
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return true;
}

/* The answer's socket; NULL: none. A listener that happens to have the peer's port is not it. */
static const struct inet_diag_msg *answer_socket(const void *bytes, size_t len,
                                                 const struct diag_request *asked)
{
    const struct nlmsghdr *header = bytes;
    const struct inet_diag_msg *m;
    if (len < NLMSG_LENGTH(sizeof *m) || header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return NULL;
    m = NLMSG_DATA(header);
    bool same = m->idiag_state != TCP_LISTEN && m->id.idiag_sport == asked->body.id.idiag_sport &&
                m->id.idiag_dport == asked->body.id.idiag_dport;
    return same ? m : NULL;
}

static enum peer_queue look_at_peer(int netlink, const struct diag_request *request)
{
    union {
        struct nlmsghdr header; /* for the alignment */
        char bytes[4096];
    } answer;
    if (send(netlink, request, sizeof *request, 0) != (ssize_t)sizeof *request)
        return PEER_QUEUE_RECEIVED;
    ssize_t n = recv(netlink, &answer, sizeof answer, MSG_DONTWAIT); /* it is there already */
    const struct inet_diag_msg *m = n > 0 ? answer_socket(&answer, (size_t)n, request) : NULL;
    if (!m)
        return PEER_QUEUE_RECEIVED;
    return m->idiag_rqueue ? PEER_QUEUE_UNREAD : PEER_QUEUE_READ;
}

enum peer_queue peer_queue_look(int fd)
{
    int family = 0;
    socklen_t len = sizeof family;
    struct diag_request request;
    if (peer_queue_bytes(fd))
        return PEER_QUEUE_UNREAD;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 && family == AF_UNIX)
        return PEER_QUEUE_READ;
    int netlink = request_fill(&request, fd)
                      ? socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
                      : -1;
    if (netlink < 0)
        return PEER_QUEUE_RECEIVED;
    enum peer_queue answer = look_at_peer(netlink, &request);
    close(netlink);
    return answer;
}
