/* SPDX-License-Identifier: Apache-2.0
 * Addresses to listen on; see listen_address.h. */
#include "base/listen_address.h"

#include "base/log.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PORT_MAX = 65535, DIRECTORY_MODE = 0755 };

static int parse_path(const char *path, struct listen_address *out, struct error *err)
{
    if (path[0] != '/' || !path[1])
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "\"%.200s\" is not an absolute path; give one", path);
    if (strlen(path) > LISTEN_PATH_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "the path is longer than the %d characters that a unix socket's may have; "
                         "choose a shorter one",
                         LISTEN_PATH_MAX);
    strcpy(out->path, path);
    return 0;
}

static int parse_tcp(const char *address, struct listen_address *out, struct error *err)
{
    int64_t port;
    const char *colon = strrchr(address, ':');
    size_t len = colon ? (size_t)(colon - address) : 0;
    if (!colon || len > LISTEN_HOST_MAX || !str_to_i64(colon + 1, &port) || port < 0 ||
        port > PORT_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "\"tcp://%.200s\" is not an address; give tcp://address:port with a "
                         "port from 0 to %d",
                         address, PORT_MAX);
    bool bracket = address[0] == '[' && len > 1 && colon[-1] == ']';
    snprintf(out->host, sizeof out->host, "%.*s", (int)len - 2 * bracket, address + bracket);
    out->is_tcp = true;
    out->port = (int)port;
    return 0;
}

int listen_address_parse(const char *url, const char *unix_scheme, struct listen_address *out,
                         struct error *err)
{
    *out = (struct listen_address){0};
    if (str_starts(url, unix_scheme))
        return parse_path(url + strlen(unix_scheme), out, err);
    if (str_starts(url, "tcp://"))
        return parse_tcp(url + strlen("tcp://"), out, err);
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "\"%.200s\" is not an address; expected %s/path or tcp://address:port", url,
                     unix_scheme);
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (!strcmp(host, "localhost"))
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

int listen_address_check_exposure(const struct listen_address *a, bool allowed, struct error *err)
{
    if (!a->is_tcp || is_loopback(a->host))
        return 0;
    if (!allowed)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "tcp://%s:%d has neither encryption nor authentication and is reachable "
                         "from other machines: listen on a unix socket or on 127.0.0.1, or give "
                         "--insecure-tcp where the network is protected otherwise",
                         a->host, a->port);
    log_warn("this TCP address has neither encryption nor authentication: whoever reaches it can "
             "run and remove containers",
             LOG_STR("host", a->host), LOG_INT("port", a->port));
    return 0;
}

/* ---- the place of a unix socket ---- */

static int check_directory(const char *path, struct error *err)
{
    char directory[LISTEN_PATH_MAX + 1];
    struct stat st;
    strcpy(directory, path);
    *strrchr(directory, '/') = '\0';
    if (!directory[0])
        strcpy(directory, "/");
    if (!strcmp(directory, LISTEN_DEFAULT_DIRECTORY) && mkdir(directory, DIRECTORY_MODE) &&
        errno != EEXIST)
        return error_set(err, ERROR_SYSTEM, "%s cannot be made: %s; choose another path", directory,
                         strerror(errno));
    if (stat(directory, &st))
        return errno == ENOENT
                   ? error_set(err, ERROR_NOT_FOUND,
                               "no such directory: %s; make it or choose another path", directory)
                   : error_errno(err, ERROR_SYSTEM, errno, "directory %s", directory);
    if (!S_ISDIR(st.st_mode))
        return error_set(err, ERROR_CONFLICT, "%s is not a directory; choose another path",
                         directory);
    return 0;
}

/* 0: nothing listens there. */
static int check_silent(const char *path, struct error *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    strcpy(addr.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "socket");
    int rc = connect(fd, (struct sockaddr *)&addr, sizeof addr);
    int why = errno;
    close(fd);
    if (rc == 0 || why != ECONNREFUSED)
        return error_set(err, ERROR_CONFLICT,
                         "another process serves %s; stop it or choose another path", path);
    return 0;
}

int listen_address_prepare(const struct listen_address *a, struct error *err)
{
    struct stat st;
    if (a->is_tcp)
        return 0;
    if (check_directory(a->path, err))
        return -1;
    if (lstat(a->path, &st))
        return errno == ENOENT ? 0 : error_errno(err, ERROR_SYSTEM, errno, "%s", a->path);
    if (!S_ISSOCK(st.st_mode))
        return error_set(err, ERROR_CONFLICT,
                         "a file that is not a socket is in the way at %s; move it or choose "
                         "another path",
                         a->path);
    if (check_silent(a->path, err))
        return -1;
    return unlink(a->path) ? error_errno(err, ERROR_SYSTEM, errno,
                                         "the socket that a dead process left at %s", a->path)
                           : 0;
}
