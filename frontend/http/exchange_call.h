/* SPDX-License-Identifier: Apache-2.0
 *
 * The unary path of an exchange: one request to the backend, its reply or error to the client. A
 * client that disconnects meanwhile cancels the wait. Failures are answered as Docker's error JSON.
 */
#ifndef SOCKERLESS_FRONTEND_EXCHANGE_CALL_H
#define SOCKERLESS_FRONTEND_EXCHANGE_CALL_H

#include "frontend/http/exchange.h"

/* done() gets a successful reply, whose result is that of the request. timeout_ms 0: 60 s. */
void exchange_call(struct exchange *x, Sockerless__Request *request, int64_t timeout_ms,
                   void (*done)(struct exchange *x, const Sockerless__Reply *reply));
/* For requests whose answer is a status without body. */
void exchange_call_empty(struct exchange *x, Sockerless__Request *request, int64_t timeout_ms,
                         unsigned status);

#endif
