/* SPDX-License-Identifier: Apache-2.0
 *
 * The vendor's request rates, by operation; operations that share a bucket share it here.
 */
#ifndef SOCKERLESS_SIM_AWS_RATES_H
#define SOCKERLESS_SIM_AWS_RATES_H

#include <stdbool.h>

/* Take one request from the operation's bucket; false: throttled. Unknown operations are free. */
bool rates_take(const char *service, const char *operation);

#endif
