/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens of lists in pages, opaque to clients: the name of the last item that was given.
 */
#ifndef SOCKERLESS_SIM_AWS_PAGE_TOKEN_H
#define SOCKERLESS_SIM_AWS_PAGE_TOKEN_H

/* On the heap; decode: NULL when the token was not made here. */
char *page_token_encode(const char *last);
char *page_token_decode(const char *token);

#endif
