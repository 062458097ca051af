/* SPDX-License-Identifier: Apache-2.0
 * The main() of every simulator; see sim_main.h. */
#include "test/sim/host/sim_main.h"

#include "base/log.h"
#include "test/sim/host/state_dir.h"

#include <curl/curl.h>
#include <jansson.h>

int sim_main(const char *name, const struct config_setting *table, char **log_level,
             int (*run)(const sigset_t *signals, struct error *err), int argc, char **argv)
{
    struct error err;
    bool help;
    sigset_t signals;
    enum log_level level = LOG_INFO;
    log_open(name, LOG_INFO);
    int rc = config_load(table, argc, argv, &help, &err);
    if (rc == 0 && !help && !log_level_parse(*log_level, &level))
        rc = error_set(&err, ERROR_INVALID_PARAMETER, "unknown --log-level %s", *log_level);
    if (rc == 0 && !help) {
        log_open(name, level);
        state_dir_signals(&signals);
        json_object_seed(0);
        curl_global_init(CURL_GLOBAL_DEFAULT);
        rc = run(&signals, &err);
        curl_global_cleanup();
    }
    if (rc)
        log_error(err.message);
    config_unload(table);
    return rc ? 1 : 0;
}
