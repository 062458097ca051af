/* SPDX-License-Identifier: Apache-2.0
 *
 * A TCP port of 127.0.0.1 that nobody listens on. Somebody else may take it before it is used.
 */
#ifndef SOCKERLESS_TEST_KIT_FREE_PORT_H
#define SOCKERLESS_TEST_KIT_FREE_PORT_H

int free_port(void);

#endif
