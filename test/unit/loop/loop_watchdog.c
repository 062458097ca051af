/* SPDX-License-Identifier: Apache-2.0
 *
 * A turn of the loop that takes too long is logged with the functions that held it, and only that.
 */
#include "loop/loop_watchdog.h"

#include "base/log.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 300 };

/* Exported, so that the stack shows its name where the program is linked with -rdynamic. */
void loop_watchdog_test_hold(uv_timer_t *timer);

void loop_watchdog_test_hold(uv_timer_t *timer)
{
    usleep(20 * 1000); /* blocks as a slow disk would */
    loop_stop(timer->loop->data);
    uv_close((uv_handle_t *)timer, NULL);
}

static void on_quick(uv_timer_t *timer)
{
    loop_stop(timer->loop->data);
    uv_close((uv_handle_t *)timer, NULL);
}

/* What the watched loop logs while a timer's callback runs after a wait of WAIT_MS; cut to size. */
static void log_of(uv_timer_cb callback, char *log, size_t size)
{
    struct loop loop;
    struct error err;
    uv_timer_t timer;
    FILE *file = tmpfile();
    int before = dup(STDERR_FILENO);
    assert_int_equal(loop_init(&loop, &err), 0);
    if (!loop.watchdog) /* other builds than SAN=debug start none themselves */
        loop.watchdog = loop_watchdog_start(&loop);
    assert_non_null(loop.watchdog);
    dup2(fileno(file), STDERR_FILENO);
    uv_timer_init(&loop.uv, &timer);
    uv_timer_start(&timer, callback, WAIT_MS, 0);
    loop_run(&loop);
    loop_fini(&loop);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    log[fread(log, 1, size - 1, file)] = '\0';
    fclose(file);
}

TEST(long_turn_is_named)
{
    char log[4096];
    log_open("test", LOG_WARN);
    log_of(loop_watchdog_test_hold, log, sizeof log);
    assert_non_null(strstr(log, "the loop was held"));
    assert_non_null(strstr(log, "\"where\":\""));
#ifdef SOCKERLESS_DEBUG
    assert_non_null(strstr(log, "loop_watchdog_test_hold"));
#endif
}

TEST(time_spent_waiting_does_not_count)
{
    char log[4096];
    log_open("test", LOG_WARN);
    log_of(on_quick, log, sizeof log);
    for (const char *at = log; (at = strstr(at, "\"ms\":")); at++)
        assert_in_range(atoi(at + strlen("\"ms\":")), 0, WAIT_MS - 1);
}
