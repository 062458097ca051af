/* SPDX-License-Identifier: Apache-2.0
 * TCP connections as the kernel sees them; see tcp_socket.h. */
#include "ipc/tcp_socket.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

enum { KEEP_IDLE_S = 30, KEEP_INTERVAL_S = 10, KEEP_COUNT = 3 };

int tcp_socket_option(int fd, int level, int name)
{
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, level, name, &value, &len) ? -1 : value;
}

uint64_t tcp_socket_received(int fd)
{
    struct tcp_info info = {.tcpi_bytes_received = 0};
    socklen_t len = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) ? 0 : info.tcpi_bytes_received;
}

void tcp_socket_keep_alive(int fd)
{
    static const int options[][2] = {
        {TCP_KEEPINTVL, KEEP_INTERVAL_S},
        {TCP_KEEPCNT, KEEP_COUNT},
        {TCP_KEEPIDLE, KEEP_IDLE_S}, /* last: it says that all is done */
    };
    if (tcp_socket_option(fd, IPPROTO_TCP, TCP_KEEPIDLE) == KEEP_IDLE_S)
        return;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        (void)setsockopt(fd, IPPROTO_TCP, options[i][0], &options[i][1], sizeof(int));
}
