/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker import http://…`: the URL, and its body on the way into an intake.
 */
#ifndef SOCKERLESS_BACKEND_IMPORT_SOURCE_H
#define SOCKERLESS_BACKEND_IMPORT_SOURCE_H

#include "backend/transfer/image_intake.h"
#include "loop/http_stream.h"

enum { IMPORT_URL_MAX = 2000 };

/* The URL that dockerd would get ("http://" is added when there is no scheme), without a password
 * in `shown`, which is for messages. Both in the arena. */
int import_url_parse(const char *source, struct arena *arena, char **url, char **shown,
                     struct error *err) MUST_CHECK;

struct import_source;
/* Until the head of the answer is there; errors in dockerd's words. */
int co_import_source_open(struct backend *b, const char *url, const char *shown,
                          struct import_source **out, struct error *err) MUST_CHECK;
/* Feeds in a coroutine of its own: the end, or the failure, reaches the intake. */
int import_source_start(struct import_source *s, struct image_intake *in,
                        struct error *err) MUST_CHECK;
void import_source_resume(struct import_source *s);   /* of wants_more() */
void co_import_source_close(struct import_source *s); /* before the intake; NULL allowed */

#endif
