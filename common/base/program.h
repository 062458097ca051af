/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line that all programs have in common: -h, --help, --version, --settings, settings
 * from a table, exit codes, one line for an error. A main function is
 *
 *     static const struct program self = {.component = "x", .purpose = "…", .settings = …};
 *     int code = program_begin(&self, argc, argv);
 *     if (code == PROGRAM_RUNS)
 *         code = do_it(&err) ? program_fail(&self, &err) : PROGRAM_ENDED;
 *     config_unload(self.settings);
 */
#ifndef SOCKERLESS_BASE_PROGRAM_H
#define SOCKERLESS_BASE_PROGRAM_H

#include "base/config.h"
#include "base/error.h"

enum {
    PROGRAM_RUNS = -1,   /* no exit code: the settings are read, nothing was asked for */
    PROGRAM_ENDED = 0,   /* in order, or a request is answered */
    PROGRAM_FAILED = 1,  /* the settings are right, but something else failed */
    PROGRAM_REFUSED = 2, /* command line or settings are wrong */
};

struct program {
    const char *component;                 /* "frontend" of sockerless-frontend; static text */
    const char *purpose;                   /* one line */
    const char *arguments;                 /* behind the settings: "-- command …"; NULL: none */
    const struct config_setting *settings; /* what the environment's SOCKERLESS_ names are, too */
    char **log_level;                      /* one of the targets; NULL: errors only */
    bool daemon; /* SIGHUP, SIGUSR1, SIGUSR2 do nothing; unknown variables are named in a warning */
};

/* First of all in main(). Descriptors 0 to 2 are there afterwards, the log is open and the settings
 * are read; PROGRAM_RUNS, or the exit code. */
int program_begin(const struct program *p, int argc, char **argv);

/* Logs the error with the names of the settings that it is about; the exit code:
 * ERROR_INVALID_PARAMETER is PROGRAM_REFUSED, all else PROGRAM_FAILED. */
int program_fail(const struct program *p, struct error *err);

#endif
