/* SPDX-License-Identifier: Apache-2.0
 *
 * What every cloud's driver has to do, said once: each cloud's test program brings what its cloud's
 * API answers in each situation, and which requests that has to cause; the suite calls the driver
 * and checks what comes of it. With DRIVER_SUITE(cloud) the tests "driver: …" become part of the
 * program.
 */
#ifndef SOCKERLESS_TEST_KIT_DRIVER_SUITE_H
#define SOCKERLESS_TEST_KIT_DRIVER_SUITE_H

#include "cloud/driver.h"
#include "test/kit/ecs_harness.h"

enum {
    SUITE_RULES_MAX = 8,
    SUITE_SEEN_MAX = 4,
    SUITE_REFUSALS_MAX = 4,
    SUITE_WORDS_MAX = 3,
    SUITE_LISTED_MAX = 4,
};

/* The scripted cloud in one situation: answers, first come first served (see struct rule), and how
 * many requests have to have contained a text at the end. */
struct suite_script {
    struct rule rules[SUITE_RULES_MAX];
    struct {
        const char *text;
        int times;
    } seen[SUITE_SEEN_MAX];
};

/* An answer to the next call, and the error that has to come of it, with all these words: the
 * vendor's own, its request id, what to do. */
struct suite_refusal {
    struct rule answer;
    enum error_code code;
    const char *words[SUITE_WORDS_MAX];
};

struct driver_suite {
    /* *state is a struct harness, and the driver is open as the instance of spec. */
    int (*setup)(void **state), (*teardown)(void **state);
    struct cloud_driver *driver;
    const struct workload_spec *spec;
    struct workload run;   /* what it is called; what the scripts speak of */
    struct workload other; /* a run that the cloud does not know, and its log neither */

    /* Preparing it twice. */
    struct suite_script prepare;
    /* Once: carried out, but the answer was lost. */
    struct suite_script prepare_lost;
    /* co_run, of what is prepared. */
    struct suite_script begin;
    /* Carried out, the answer was lost. */
    struct suite_script begin_lost;
    /* By an earlier life of the backend, which knows nothing of it any more. */
    struct suite_script begun_before;

    /* The next two are about either of both calls: the one that may be repeated. */
    bool faults_at_run; /* co_run, else co_prepare */
    /* Turned away once or more, then served; not sooner than this. */
    struct suite_script throttled;
    int64_t throttled_ms;
    /* The first call: credentials are refused once, then served. The second: refused for good, with
     * this error. */
    struct suite_script expired;
    struct suite_refusal locked_out;
    /* co_prepare, as often as there are refusals: not to be repeated. */
    struct suite_script refused;
    struct suite_refusal refusals[SUITE_REFUSALS_MAX];
    /* What the run is called after a refused co_prepare, so that it is removed: "" or as `run`. */
    const char *refused_definition;

    /* co_describe of `run`, of nothing, and of `other`: it runs, the others are missing. */
    struct suite_script running;
    /* Then: it has ended by itself. */
    struct suite_script ended;
    int exit_code;
    /* Of `run`, which cannot be asked for, and of `other`, which is missing. Left out where one
     * question is about all. */
    struct suite_script one_unknown;
    const char *unknown_reason;
    /* Of `run`, which is refused: nothing is known. */
    struct suite_script none_known;
    struct suite_refusal none_known_why;

    /* co_stop so many times, whatever the state is: running, stopping, over, gone. Then a refusal.
     */
    struct suite_script stop;
    int stops;
    struct suite_refusal stop_refused;
    /* co_remove_run twice: of what runs, then of what is gone. */
    struct suite_script removal;

    /* co_list: these are found, among those of others and of nobody, on more than one page. */
    struct suite_script list;
    struct workload_found listed[SUITE_LISTED_MAX];
    size_t listed_count;

    /* co_pages of the log of `run` from log_since_ns on, together with that of `other`, which has
     * none, until both are at their ends: one event, "one". From there on: "two" and "three", which
     * may have come with "one" again. From there on: nothing. */
    struct suite_script log;
    int64_t log_since_ns;

    /* co_credentials for a host that is ours, twice, and for one that is not. */
    struct suite_script login;
    const char *registry_host, *username, *password;
};

void driver_suite_register(const struct driver_suite *suite);

/* Once a program, behind the definition of the suite. */
#define DRIVER_SUITE(suite)                                                                        \
    __attribute__((constructor)) static void driver_suite_register_it(void)                        \
    {                                                                                              \
        driver_suite_register(&(suite));                                                           \
    }                                                                                              \
    struct driver_suite_end /* takes the semicolon */

#endif
