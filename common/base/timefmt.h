/* SPDX-License-Identifier: Apache-2.0
 *
 * Time: clocks, RFC 3339 with nanoseconds, Docker's since/until parameters. Wall times are int64
 * nanoseconds since the epoch; 0 is "never" and prints as Go's zero time 0001-01-01T00:00:00Z.
 */
#ifndef SOCKERLESS_BASE_TIMEFMT_H
#define SOCKERLESS_BASE_TIMEFMT_H

#include <stdbool.h>
#include <stdint.h>

enum { TIMEFMT_RFC3339_MAX = 40 };

int64_t time_now_ns(void);  /* CLOCK_REALTIME */
int64_t time_mono_ms(void); /* CLOCK_MONOTONIC */

/* Nanoseconds of milliseconds that came from outside; what does not fit is the nearest that does.
 */
int64_t time_ns_of_ms(int64_t ms);

/* Go's RFC3339Nano in UTC: trailing zeros of the fraction dropped. Returns out. */
char *timefmt_rfc3339nano(int64_t ns, char out[TIMEFMT_RFC3339_MAX]);
/* Always nine digits of fraction, as `docker logs --timestamps` prints. Returns out. */
char *timefmt_rfc3339nano_fixed(int64_t ns, char out[TIMEFMT_RFC3339_MAX]);
/* RFC 3339 with Z or an offset. */
bool timefmt_parse_rfc3339(const char *text, int64_t *ns);
/* What Docker's API takes for since/until: "seconds[.nanoseconds]" since the epoch or RFC 3339. */
bool timefmt_parse_docker(const char *text, int64_t *ns);

#endif
