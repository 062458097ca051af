/* SPDX-License-Identifier: Apache-2.0
 *
 * Which versions the frontend supports and what it calls itself.
 */
#ifndef SOCKERLESS_FRONTEND_VERSION_H
#define SOCKERLESS_FRONTEND_VERSION_H

#ifndef SOCKERLESS_VERSION
#define SOCKERLESS_VERSION "0.1.0"
#endif

/* Docker API versions are 1.MINOR; clients below the minimum or above the maximum get 400. */
#define API_VERSION_MAX "1.44"
#define API_VERSION_MIN "1.24"
enum { API_MINOR_MAX = 44, API_MINOR_MIN = 24 };

#endif
