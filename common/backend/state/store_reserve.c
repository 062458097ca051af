/* SPDX-License-Identifier: Apache-2.0
 * Room for a full disk; see store_reserve.h. */
#include "backend/state/store_reserve.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Some hundred changes of rows: then the write-ahead log has been emptied again. */
enum { RESERVE_BYTES = 1024 * 1024, REFILL_PAUSE_MS = 10000 };

static void fill(struct store_reserve *r)
{
    int why = posix_fallocate(r->fd, 0, RESERVE_BYTES);
    r->filled = why == 0;
    r->tried_ms = why ? time_mono_ms() : 0;
    if (r->filled)
        return;
    log_warn("the disk of the state directory is full: nothing new can be stored; free some space",
             LOG_STR("error", strerror(why)));
    (void)!ftruncate(r->fd, 0);
}

void store_reserve_open(struct store_reserve *r, const char *directory)
{
    struct stat st;
    AUTO_FREE char *path = xasprintf("%s/reserve", directory);
    *r = (struct store_reserve){.fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (r->fd < 0)
        return;
    r->filled = fstat(r->fd, &st) == 0 && st.st_size == RESERVE_BYTES;
    if (!r->filled)
        fill(r);
}

void store_reserve_close(struct store_reserve *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

bool store_reserve_spend(struct store_reserve *r)
{
    if (!r->filled || ftruncate(r->fd, 0))
        return false;
    r->filled = false;
    r->tried_ms = time_mono_ms();
    log_warn("the disk of the state directory is full: the reserve is used up; free some space");
    return true;
}

void store_reserve_refill(struct store_reserve *r)
{
    if (r->fd >= 0 && !r->filled && time_mono_ms() - r->tried_ms >= REFILL_PAUSE_MS)
        fill(r);
}
