/* SPDX-License-Identifier: Apache-2.0
 *
 * Google's request quotas, by service and method.
 */
#ifndef SOCKERLESS_SIM_GCP_QUOTAS_H
#define SOCKERLESS_SIM_GCP_QUOTAS_H

/* Take one request; the name of the quota that is used up, NULL when there was room. */
const char *quotas_take(const char *service, const char *method);

#endif
