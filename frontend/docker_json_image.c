/* SPDX-License-Identifier: Apache-2.0
 *
 * Images, and the progress lines of a pull; see docker_json.h.
 */
#include "frontend/docker_json.h"

#include "base/json.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>

static void put_time(struct json_writer *w, const char *key, int64_t ns)
{
    char text[TIMEFMT_RFC3339_MAX];
    json_member_string(w, key, timefmt_rfc3339nano(ns, text));
}

/* From API 1.44 on, an image's VirtualSize is gone; it always equalled Size. */
static void put_sizes(struct json_writer *w, const Sockerless__Image *i, unsigned api)
{
    json_member_int(w, "Size", i->size);
    if (api < 44)
        json_member_int(w, "VirtualSize", i->size);
}

static void put_rootfs(struct json_writer *w, const Sockerless__Image *i)
{
    json_member_object(w, "RootFS");
    json_member_string(w, "Type", "layers");
    if (i->n_diff_ids) {
        json_key(w, "Layers");
        json_string_array(w, i->diff_ids, i->n_diff_ids);
    }
    json_object_close(w);
}

void docker_json_put_image(struct buf *out, const Sockerless__Image *i, unsigned api)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_string(&w, "Id", i->id);
    json_key(&w, "RepoTags");
    json_string_array(&w, i->repo_tags, i->n_repo_tags);
    json_key(&w, "RepoDigests");
    json_string_array(&w, i->repo_digests, i->n_repo_digests);
    json_member_string(&w, "Parent", i->parent);
    json_member_string(&w, "Comment", i->comment);
    put_time(&w, "Created", i->created);
    json_member_string(&w, "Container", "");
    json_key(&w, "ContainerConfig");
    docker_json_config(&w, NULL, CONFIG_OF_IMAGE);
    json_member_string(&w, "DockerVersion", i->docker_version);
    json_member_string(&w, "Author", i->author);
    json_key(&w, "Config");
    docker_json_config(&w, i->config, CONFIG_OF_IMAGE);
    json_member_string(&w, "Architecture", i->architecture);
    if (*i->variant)
        json_member_string(&w, "Variant", i->variant);
    json_member_string(&w, "Os", i->os);
    put_sizes(&w, i, api);
    json_key(&w, "GraphDriver");
    JSON_RAW_LITERAL(&w, "{\"Data\":{},\"Name\":\"sockerless\"}");
    put_rootfs(&w, i);
    json_member_object(&w, "Metadata");
    put_time(&w, "LastTagTime", i->last_tagged);
    json_object_close(&w);
    json_object_close(&w);
}

static void put_names(struct json_writer *w, const char *key, char **items, size_t count,
                      const char *none, unsigned api)
{
    char *const missing[] = {(char *)(uintptr_t)none};
    json_key(w, key);
    if (count)
        json_string_array(w, items, count);
    else if (api < 43)
        json_string_array(w, missing, 1);
    else
        json_string_array(w, NULL, 0);
}

static void put_list_entry(struct json_writer *w, const Sockerless__Image *i, unsigned api)
{
    json_object_open(w);
    json_member_int(w, "Containers", i->containers > 0 ? i->containers : -1);
    json_member_int(w, "Created", i->created / 1000000000);
    json_member_string(w, "Id", i->id);
    json_key(w, "Labels");
    docker_json_labels(w, i->config, true);
    json_member_string(w, "ParentId", i->parent);
    /* An untagged image had the placeholder in both lists before API 1.43. */
    bool dangling = !i->n_repo_tags && !i->n_repo_digests;
    put_names(w, "RepoDigests", i->repo_digests, i->n_repo_digests, "<none>@<none>",
              dangling ? api : 44);
    put_names(w, "RepoTags", i->repo_tags, i->n_repo_tags, "<none>:<none>", api);
    json_member_int(w, "SharedSize", -1);
    put_sizes(w, i, api);
    json_object_close(w);
}

void docker_json_put_image_list(struct buf *out, const Sockerless__ImageListReply *r, unsigned api)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_array_open(&w);
    for (size_t i = 0; i < r->n_images; i++)
        put_list_entry(&w, r->images[i], api);
    json_array_close(&w);
}

/* ---- pull ---- */

/* "[=====>      ]  1.2MB/3.4MB", what clients print that do not draw a bar themselves. */
static void put_bar(struct json_writer *w, int64_t current, int64_t total)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    char text[128], bar[64], sizes[2][24];
    const int64_t values[2] = {current, total};
    int filled = (int)(current * 50 / total);
    if (filled > 50)
        filled = 50;
    memset(bar, ' ', sizeof(bar));
    memset(bar, '=', (size_t)filled);
    if (filled < 50)
        bar[filled] = '>';
    bar[50] = '\0';
    for (size_t i = 0; i < 2; i++) {
        double size = (double)values[i];
        size_t unit = 0;
        while (size >= 1000 && unit < 4) {
            size /= 1000;
            unit++;
        }
        snprintf(sizes[i], sizeof(sizes[i]), "%.4g%s", size, units[unit]);
    }
    snprintf(text, sizeof(text), "[%s] %8s/%s", bar, sizes[0], sizes[1]);
    json_member_string(w, "progress", text);
}

/* Lines about the whole pull have no progressDetail, those about a layer always have one. */
void docker_json_put_progress(struct buf *out, const Sockerless__Progress *p)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_string(&w, "status", p->status);
    if (p->total > 0 && p->current >= 0 && p->current <= INT64_MAX / 64) {
        json_member_object(&w, "progressDetail");
        json_member_int(&w, "current", p->current);
        json_member_int(&w, "total", p->total);
        json_object_close(&w);
        put_bar(&w, p->current, p->total);
    } else if (*p->id && !str_starts(p->status, "Pulling from")) {
        json_key(&w, "progressDetail");
        JSON_RAW_LITERAL(&w, "{}");
    }
    if (*p->id)
        json_member_string(&w, "id", p->id);
    json_object_close(&w);
    buf_puts(out, "\r\n");
}

void docker_json_put_stream_error(struct buf *out, const char *message)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_object(&w, "errorDetail");
    json_member_string(&w, "message", message);
    json_object_close(&w);
    json_member_string(&w, "error", message);
    json_object_close(&w);
    buf_puts(out, "\r\n");
}
