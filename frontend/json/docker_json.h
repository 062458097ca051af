/* SPDX-License-Identifier: Apache-2.0
 *
 * Docker's JSON to and from the typed messages of proto/sockerless.proto. The only place that uses
 * Docker's field names, and which of null, [], {} or absent dockerd shows when something is empty.
 */
#ifndef SOCKERLESS_FRONTEND_DOCKER_JSON_H
#define SOCKERLESS_FRONTEND_DOCKER_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include "proto/sockerless.pb-c.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- requests. Everything in *out is in the arena. ---- */

/* A request body; like Go's decoder, stops after the first value. The caller json_decref()s. */
json_t *docker_json_load(const char *text, size_t len, struct error *err) MUST_CHECK;

/* The body of POST /containers/create. *out was initialised by the caller; its config stays NULL
 * when the body has none of the fields. */
int docker_json_create(json_t *root, struct arena *a, Sockerless__ContainerCreateRequest *out,
                       struct error *err) MUST_CHECK;
/* POST /containers/{id}/exec. */
int docker_json_exec_create(json_t *root, struct arena *a, Sockerless__ExecCreateRequest *out,
                            struct error *err) MUST_CHECK;
/* POST /exec/{id}/start; the root may be NULL (no body). */
int docker_json_exec_start(json_t *root, Sockerless__ExecStartOpen *out,
                           struct error *err) MUST_CHECK;
/* The text of a `filters` parameter; NULL and "" are none. */
enum { DOCKER_FILTERS_MAX = 64 * 1024 };
int docker_json_filters(const char *text, struct arena *a, Sockerless__Filter ***out, size_t *count,
                        struct error *err) MUST_CHECK;
/* The complete HostConfig object: the client's values, dockerd's defaults for the rest, unknown
 * fields kept. host NULL or null: all defaults. */
int docker_json_host_config(json_t *host, struct buf *out, struct error *err) MUST_CHECK;

/* ---- answers, appended to out without a newline ---- */

void docker_json_put_create(struct buf *out, const Sockerless__ContainerCreateReply *r);
void docker_json_put_container(struct buf *out, const Sockerless__Container *c, unsigned api,
                               bool size);
void docker_json_put_container_list(struct buf *out, const Sockerless__ContainerListReply *r,
                                    unsigned api, int64_t now_ns);
void docker_json_put_exec_create(struct buf *out, const Sockerless__ExecCreateReply *r);
void docker_json_put_exec(struct buf *out, const Sockerless__ExecInspectReply *r);
void docker_json_put_image(struct buf *out, const Sockerless__Image *i, unsigned api);
void docker_json_put_image_list(struct buf *out, const Sockerless__ImageListReply *r, unsigned api);
void docker_json_put_history(struct buf *out, const Sockerless__ImageHistoryReply *r);
void docker_json_put_image_removed(struct buf *out, const Sockerless__ImageRemoveReply *r);
void docker_json_put_image_prune(struct buf *out, const Sockerless__ImagePruneReply *r);
void docker_json_put_distribution(struct buf *out, const Sockerless__DistributionReply *r);
void docker_json_put_login(struct buf *out, const Sockerless__AuthReply *r);
void docker_json_put_info(struct buf *out, const Sockerless__InfoReply *r, int64_t now_ns);
void docker_json_put_version(struct buf *out);
void docker_json_put_wait(struct buf *out, int32_t code, unsigned api);
/* One line of a pull, push, load or import, with CRLF. */
void docker_json_put_progress(struct buf *out, const Sockerless__Progress *p);
void docker_json_put_stream_error(struct buf *out, const char *message);

/* ---- shared between the docker_json_*.c ---- */

struct json_writer;
#define JSON_RAW_LITERAL(w, text) json_raw(w, text, sizeof(text) - 1)
enum json_config_use { CONFIG_OF_CONTAINER, CONFIG_OF_IMAGE };
/* Docker's Config object; NULL is written as an empty one. */
void docker_json_config(struct json_writer *w, const Sockerless__ContainerConfig *config,
                        enum json_config_use use);
void docker_json_labels(struct json_writer *w, const Sockerless__ContainerConfig *config,
                        bool null_when_empty);
/* Null when the list is absent. */
void docker_json_string_list(struct json_writer *w, const Sockerless__StringList *list);

/* ps's words: "Up 2 seconds (healthy)", "Exited (0) 3 minutes ago", "Created". */
void docker_json_status_text(const Sockerless__Container *c, int64_t now_ns, char *out,
                             size_t size);
/* units.HumanDuration of moby. */
void docker_json_human_duration(int64_t ns, char *out, size_t size);

#endif
