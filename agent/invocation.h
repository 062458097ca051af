/* SPDX-License-Identifier: Apache-2.0
 *
 * Invocation: the agent on a platform that knows requests only, as Cloud Functions. The first
 * process waits on $PORT for a POST whose body says what to run (message Invocation); a second one,
 * the agent as it is everywhere else, runs it and dials the backend. The request stays open so
 * long; its answer is {"exit_code", "started_ms", "finished_ms"} or {"error"}, in both cases with
 * the header "Sockerless-Agent: 1", so that it is told from the platform's own answers.
 *
 *     200  it ran                                  409  the backend wants it elsewhere
 *     410  asked to join a run that is not here    429  another run is here
 *     502  the backend was not reached             504  the time of the request was over
 *     400, 405  not an invocation
 *
 * The same run delivered again joins the first delivery. One process serves one run: it ends with
 * it, so the next request finds the image as it was.
 */
#ifndef SOCKERLESS_AGENT_INVOCATION_H
#define SOCKERLESS_AGENT_INVOCATION_H

#include "base/error.h"

#define INVOCATION_HEADER "Sockerless-Agent"
/* How a report begins (SOCKERLESS_AGENT_REPORT_FD) when the backend wants it elsewhere. */
#define INVOCATION_REFUSED "refused: "

/* Until a run was served: 0. -1: it cannot listen. */
int invocation_serve(struct error *err) MUST_CHECK;

#endif
