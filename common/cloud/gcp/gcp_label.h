/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels on Google's resources, in the character set that it allows (Resource Manager
 * documentation, "Requirements for labels"), and those that every backend puts on what it makes.
 * Pure.
 */
#ifndef SOCKERLESS_GCP_LABEL_H
#define SOCKERLESS_GCP_LABEL_H

#define GCP_LABEL_MANAGED "sockerless-managed"
#define GCP_LABEL_INSTANCE "sockerless-instance"

enum { GCP_LABEL_MAX = 63 };

/* A label's value: [a-z0-9_-], at most 63. A text that had to be changed gets a hash appended, so
 * two of them never share a value. */
void gcp_label_value(const char *text, char out[GCP_LABEL_MAX + 1]);

#endif
