/* SPDX-License-Identifier: Apache-2.0
 *
 * A certificate of its own authority, for 127.0.0.1, and its key; made by openssl.
 */
#ifndef SOCKERLESS_TEST_KIT_CERTIFICATE_H
#define SOCKERLESS_TEST_KIT_CERTIFICATE_H

/* Both in PEM, on the heap. */
void certificate_make(char **cert, char **key);

#endif
