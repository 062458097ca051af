/* SPDX-License-Identifier: Apache-2.0
 * The main() of every simulator; see sim_main.h. */
#include "test/sim/host/sim_main.h"

#include "base/log.h"
#include "test/sim/host/state_dir.h"

#include <curl/curl.h>
#include <jansson.h>

int sim_main(const struct program *self, int (*run)(const sigset_t *signals, struct error *err),
             int argc, char **argv)
{
    struct error err;
    sigset_t signals;
    int code = program_begin(self, argc, argv);
    if (code == PROGRAM_RUNS) {
        state_dir_signals(&signals);
        json_object_seed(0);
        curl_global_init(CURL_GLOBAL_DEFAULT);
        code = run(&signals, &err) ? program_fail(self, &err) : PROGRAM_ENDED;
        curl_global_cleanup();
    }
    config_unload(self->settings);
    return code;
}
