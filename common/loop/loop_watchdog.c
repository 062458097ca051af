/* SPDX-License-Identifier: Apache-2.0
 * Reports turns of the loop that take too long; see loop_watchdog.h.
 *
 * The watching thread reads how long the loop has been busy in this turn (libuv counts the time it
 * sleeps) and, past the limit, signals the loop's thread; the signal handler only takes the
 * addresses on the stack, and the end of the turn turns them into names and logs them. */
#include "loop/loop_watchdog.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"

#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLE_MS = 1, FRAMES_MAX = 24, FRAMES_OF_THE_HANDLER = 2, WHERE_MAX = 1024 };

struct loop_watchdog {
    struct loop *loop;
    pthread_t loop_thread;
    uv_thread_t watcher;
    uv_sem_t end;
    _Atomic uint64_t turn_began_ns, idle_before_ns;
    _Atomic bool asked; /* in this turn */
    void *frames[FRAMES_MAX];
    _Atomic int frame_count;
};

static struct loop_watchdog *watched; /* what the signal handler works on */

static void on_signal(int number)
{
    (void)number;
    struct loop_watchdog *w = watched;
    if (w)
        atomic_store(&w->frame_count, backtrace(w->frames, FRAMES_MAX));
}

static uint64_t busy_ns(struct loop_watchdog *w)
{
    uint64_t idle = uv_metrics_idle_time(&w->loop->uv) - atomic_load(&w->idle_before_ns);
    uint64_t passed = uv_hrtime() - atomic_load(&w->turn_began_ns);
    return passed > idle ? passed - idle : 0;
}

static void watch(void *arg)
{
    struct loop_watchdog *w = arg;
    while (uv_sem_trywait(&w->end)) {
        uv_sleep(SAMPLE_MS);
        if (busy_ns(w) > LOOP_HELD_MS * UINT64_C(1000000) && !atomic_exchange(&w->asked, true))
            pthread_kill(w->loop_thread, SIGURG);
    }
}

/* Innermost first: "co_store_put < op_container_create < …". */
static void where_was_it(struct loop_watchdog *w, char *out, size_t size)
{
    int count = atomic_load(&w->frame_count);
    char **names = backtrace_symbols(w->frames, count);
    size_t len = 0;
    *out = '\0';
    for (int i = FRAMES_OF_THE_HANDLER; names && i < count && len < size; i++) {
        const char *open = strchr(names[i], '('), *end = open ? strpbrk(open, "+)") : NULL;
        if (!end || end == open + 1) /* a static function: addr2line finds it by its address */
            open = strchr(names[i], '['), end = open ? strchr(open, ']') : NULL;
        if (end)
            len += (size_t)snprintf(out + len, size - len, "%s%.*s", len ? " < " : "",
                                    (int)(end - open - 1), open + 1);
    }
    free(names);
}

void loop_watchdog_turn(struct loop_watchdog *w)
{
    uint64_t busy = busy_ns(w);
    if (atomic_load(&w->asked)) {
        char where[WHERE_MAX];
        where_was_it(w, where, sizeof where);
        log_warn("the loop was held", LOG_INT("ms", busy / 1000000), LOG_STR("where", where));
    }
    atomic_store(&w->frame_count, 0);
    atomic_store(&w->idle_before_ns, uv_metrics_idle_time(&w->loop->uv));
    atomic_store(&w->turn_began_ns, uv_hrtime());
    atomic_store(&w->asked, false);
}

struct loop_watchdog *loop_watchdog_start(struct loop *l)
{
    if (watched || uv_loop_configure(&l->uv, UV_METRICS_IDLE_TIME)) {
        log_warn("this loop is not watched for turns that take too long");
        return NULL;
    }
    struct loop_watchdog *w = NEW(struct loop_watchdog);
    w->loop = l;
    w->loop_thread = pthread_self();
    void *first[1];
    backtrace(first, 1); /* loads what it needs, which a signal handler must not do */
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGURG, &act, NULL);
    watched = w;
    loop_watchdog_turn(w);
    uv_sem_init(&w->end, 0);
    if (uv_thread_create(&w->watcher, watch, w)) {
        watched = NULL;
        uv_sem_destroy(&w->end);
        free(w);
        return NULL;
    }
    return w;
}

void loop_watchdog_stop(struct loop_watchdog *w)
{
    if (!w)
        return;
    uv_sem_post(&w->end);
    uv_thread_join(&w->watcher);
    uv_sem_destroy(&w->end);
    watched = NULL;
    free(w);
}
