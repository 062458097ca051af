/* SPDX-License-Identifier: Apache-2.0
 * Network namespaces on a bridge, by iproute2; see network.h. A host-side veth is called
 * skv<id> and has the bridge's name as its alias, so the devices tell which namespaces belong to a
 * bridge, whoever made them. */
#include "test/sim/host/network.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "test/sim/host/child.h"
#include "test/sim/host/files.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct network {
    char bridge[IFNAMSIZ];
    char *subnet;
    char gateway[16];
    uint32_t base; /* host order */
    unsigned prefix;
    uint32_t size, next;
    unsigned char *used; /* one byte an address */
    int lock_fd;
    pthread_mutex_t lock;
};

/* An abstract socket name is freed by the kernel when its owner dies, however it dies. */
static int lock_bridge(const char *bridge, struct error *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int n = snprintf(addr.sun_path + 1, sizeof addr.sun_path - 1, "sockerless-sim-%s", bridge);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "socket");
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
    if (bind(fd, (struct sockaddr *)&addr, len)) {
        int saved = errno;
        close(fd);
        if (saved == EADDRINUSE)
            return error_set(err, ERROR_CONFLICT,
                             "bridge %s is used by a running simulator; stop it or choose another "
                             "--bridge-name and --subnet",
                             bridge);
        return error_errno(err, ERROR_SYSTEM, saved, "lock of bridge %s", bridge);
    }
    return fd;
}

static void delete_netns(const char *name)
{
    struct error err;
    if (child_check((char *[]){"ip", "netns", "delete", (char *)name, NULL}, NULL, &err))
        log_warn("network namespace not removed", LOG_STR("netns", name),
                 LOG_STR("error", err.message));
}

/* The bridge's name is also the port's alias: it is known when the bridge is gone. */
static bool is_port_of(const char *bridge, const char *device)
{
    char path[128], alias[IFNAMSIZ + 1];
    snprintf(path, sizeof path, "/sys/class/net/%.15s/ifalias", device);
    FILE *f = str_starts(device, "skv") ? fopen(path, "re") : NULL;
    if (!f)
        return false;
    bool same = fgets(alias, sizeof alias, f) &&
                (alias[strcspn(alias, "\n")] = '\0', strcmp(alias, bridge) == 0);
    fclose(f);
    return same;
}

/* Deletes all namespaces of the bridge, then the bridge. */
static void sweep(const char *bridge)
{
    char path[128];
    DIR *dir = opendir("/sys/class/net");
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (!is_port_of(bridge, e->d_name))
            continue;
        char netns[300], netns_path[320];
        snprintf(netns, sizeof netns, "skl-%s", e->d_name + 3);
        snprintf(netns_path, sizeof netns_path, "/run/netns/%s", netns);
        if (files_exists(netns_path))
            delete_netns(netns);
        struct error ignored; /* usually gone with its namespace */
        (void)!child_check((char *[]){"ip", "link", "delete", e->d_name, NULL}, NULL, &ignored);
    }
    if (dir)
        closedir(dir);
    snprintf(path, sizeof path, "/sys/class/net/%s/bridge", bridge);
    struct error err;
    if (files_exists(path) &&
        child_check((char *[]){"ip", "link", "delete", (char *)bridge, NULL}, NULL, &err))
        log_warn("bridge not removed", LOG_STR("bridge", bridge), LOG_STR("error", err.message));
}

static int parse_subnet(struct network *n, const char *subnet, struct error *err)
{
    char text[64];
    snprintf(text, sizeof text, "%s", subnet);
    char *slash = strchr(text, '/');
    struct in_addr addr;
    int64_t prefix;
    if (slash)
        *slash = '\0';
    if (!slash || !inet_aton(text, &addr) || !str_to_i64(slash + 1, &prefix) || prefix < 16 ||
        prefix > 29)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "subnet \"%s\" is not like 198.18.0.0/16 (prefix 16 to 29)", subnet);
    n->prefix = (unsigned)prefix;
    n->size = 1u << (32 - n->prefix);
    n->base = ntohl(addr.s_addr) & ~(n->size - 1);
    n->used = xcalloc(n->size, 1);
    n->next = 2;
    return 0;
}

static void address_text(const struct network *n, uint32_t host, char out[16])
{
    struct in_addr addr = {htonl(n->base + host)};
    inet_ntop(AF_INET, &addr, out, 16);
}

/* Derived from the address: a neighbour cache entry stays right when the address is reused. */
static void mac_text(const struct network *n, uint32_t host, char out[18])
{
    uint32_t address = n->base + host;
    snprintf(out, 18, "0a:58:%02x:%02x:%02x:%02x", address >> 24, (address >> 16) & 255,
             (address >> 8) & 255, address & 255);
}

/* The bridge gets a MAC of its own: else it takes the lowest of its ports', which changes while
 * tasks come and go, and packets on their way to the old one are lost. */
static int make_bridge(struct network *n, struct error *err)
{
    char mac[18];
    mac_text(n, 1, mac);
    AUTO_FREE char *batch =
        xasprintf("link add name %s address %s type bridge stp_state 0 forward_delay 0\n"
                  "addr add %s/%u dev %s\n"
                  "link set %s up\n",
                  n->bridge, mac, n->gateway, n->prefix, n->bridge, n->bridge);
    return child_check((char *[]){"ip", "-batch", "-", NULL}, batch, err);
}

static void network_free(struct network *n)
{
    if (n->lock_fd >= 0)
        close(n->lock_fd);
    pthread_mutex_destroy(&n->lock);
    free(n->used);
    free(n->subnet);
    free(n);
}

struct network *network_open(const char *bridge, const char *subnet, struct error *err)
{
    struct network *n = NEW(struct network);
    n->lock_fd = -1;
    pthread_mutex_init(&n->lock, NULL);
    n->subnet = xstrdup(subnet);
    snprintf(n->bridge, sizeof n->bridge, "%s", bridge);
    if (strlen(bridge) >= IFNAMSIZ)
        error_set(err, ERROR_INVALID_PARAMETER, "bridge name %s is longer than %d characters",
                  bridge, IFNAMSIZ - 1);
    else if (parse_subnet(n, subnet, err) == 0 && (n->lock_fd = lock_bridge(bridge, err)) >= 0) {
        address_text(n, 1, n->gateway);
        sweep(bridge);
        if (make_bridge(n, err) == 0)
            return n;
    }
    network_free(n);
    return NULL;
}

void network_close(struct network *n)
{
    if (!n)
        return;
    sweep(n->bridge);
    network_free(n);
}

int network_cleanup(const char *bridge, struct error *err)
{
    int fd = lock_bridge(bridge, err);
    if (fd < 0)
        return -1;
    sweep(bridge);
    close(fd);
    return 0;
}

/* Addresses go round the subnet, so that a freed one rests before it is used again. */
static uint32_t allocate(struct network *n)
{
    uint32_t found = 0;
    pthread_mutex_lock(&n->lock);
    for (uint32_t i = 0; i < n->size && !found; i++) {
        uint32_t host = n->next;
        n->next = n->next + 1 < n->size - 1 ? n->next + 1 : 2;
        if (!n->used[host]) {
            n->used[host] = 1;
            found = host;
        }
    }
    pthread_mutex_unlock(&n->lock);
    return found;
}

static void release(struct network *n, uint32_t host)
{
    pthread_mutex_lock(&n->lock);
    n->used[host] = 0;
    pthread_mutex_unlock(&n->lock);
}

static int connect_netns(struct network *n, const char *id, const struct network_endpoint *e,
                         struct error *err)
{
    AUTO_FREE char *outside =
        xasprintf("link add skv%s type veth peer name eth0 address %s netns %s\n"
                  "link set skv%s alias %s master %s up\n",
                  id, e->mac, e->netns, id, n->bridge, n->bridge);
    AUTO_FREE char *inside = xasprintf("link set lo up\n"
                                       "addr add %s/%u dev eth0\n"
                                       "link set eth0 up\n"
                                       "route add default via %s\n",
                                       e->address, n->prefix, n->gateway);
    if (child_check((char *[]){"ip", "-batch", "-", NULL}, outside, err))
        return -1;
    return child_check((char *[]){"ip", "-n", (char *)e->netns, "-batch", "-", NULL}, inside, err);
}

int network_attach(struct network *n, const char *id, struct network_endpoint *out,
                   struct error *err)
{
    uint32_t host = allocate(n);
    if (!host)
        return error_set(err, ERROR_UNAVAILABLE, "no free address in %s", n->subnet);
    address_text(n, host, out->address);
    mac_text(n, host, out->mac);
    snprintf(out->netns, sizeof out->netns, "skl-%.*s", NETWORK_ID_LEN, id);
    if (child_check((char *[]){"ip", "netns", "add", out->netns, NULL}, NULL, err)) {
        release(n, host);
        return -1;
    }
    if (connect_netns(n, out->netns + 4, out, err)) {
        network_detach(n, out);
        return -1;
    }
    return 0;
}

void network_detach(struct network *n, const struct network_endpoint *endpoint)
{
    struct in_addr addr;
    delete_netns(endpoint->netns);
    if (inet_aton(endpoint->address, &addr))
        release(n, ntohl(addr.s_addr) - n->base);
}

const char *network_gateway(const struct network *n)
{
    return n->gateway;
}

const char *network_subnet(const struct network *n)
{
    return n->subnet;
}
