/* SPDX-License-Identifier: Apache-2.0
 *
 * What is called when a run or a container ends, in this order.
 */
#ifndef SOCKERLESS_BACKEND_RUN_LISTENERS_H
#define SOCKERLESS_BACKEND_RUN_LISTENERS_H

#include "backend/state/run_listener.h"

extern const struct run_listener run_listeners[];

#endif
