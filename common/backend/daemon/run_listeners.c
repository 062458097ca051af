/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of run listeners; see run_listener.h. Waiters come last: a client whose wait was
 * answered finds everything else as it is after the end.
 */
#include "backend/daemon/run_listeners.h"

#include "backend/attach/exec.h"
#include "backend/attach/session_attach.h"
#include "backend/run/session_wait.h"

#include <stddef.h>

const struct run_listener run_listeners[] = {
    {exec_run_over, NULL},
    {session_attach_run_over, session_attach_container_gone},
    {session_wait_run_over, session_wait_container_gone},
    {NULL, NULL},
};
