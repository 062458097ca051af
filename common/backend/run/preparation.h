/* SPDX-License-Identifier: Apache-2.0
 *
 * What is made before a run: the image with the agent in it, and, on a cloud where that takes
 * longer than clients wait for a start, what the container owns, behind its create.
 */
#ifndef SOCKERLESS_BACKEND_PREPARATION_H
#define SOCKERLESS_BACKEND_PREPARATION_H

#include "base/arena.h"
#include "base/error.h"

#include <stdint.h>

struct container;
struct workload_spec;

/* The image with the agent in it, where it has to be there. It is the same for every run of the
 * image, so a start that is taken up again after a crash finds what its definition names. */
int co_preparation_image(struct container *c, struct workload_spec *spec, struct arena *arena,
                         struct error *err) MUST_CHECK;

/* PREPARE_AT_CREATE and _PULL: begin in the background. A failure is logged, and told to a start
 * that waits for it; a later one tries again. Other clouds: nothing. */
void preparation_begin(struct container *c);
/* Until it is over, however it went. */
int co_preparation_await(struct container *c, int64_t deadline_ms, struct error *err) MUST_CHECK;

#endif
