/* SPDX-License-Identifier: Apache-2.0
 *
 * Images: inspect, list, history, removal, what a registry has; see docker_json.h.
 */
#include "frontend/json/docker_json.h"

#include "base/json.h"
#include "base/timefmt.h"

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

/* ---- history, removal ---- */

void docker_json_put_history(struct buf *out, const Sockerless__ImageHistoryReply *r)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_array_open(&w);
    for (size_t i = 0; i < r->n_items; i++) {
        const Sockerless__ImageHistoryItem *item = r->items[i];
        json_object_open(&w);
        json_member_string(&w, "Comment", item->comment);
        json_member_int(&w, "Created", item->created / 1000000000);
        json_member_string(&w, "CreatedBy", item->created_by);
        json_member_string(&w, "Id", item->id);
        json_member_int(&w, "Size", item->size);
        json_key(&w, "Tags");
        if (item->n_tags)
            json_string_array(&w, item->tags, item->n_tags);
        else
            json_put_null(&w);
        json_object_close(&w);
    }
    json_array_close(&w);
}

static void put_removed(struct json_writer *w, Sockerless__ImageRemoved **items, size_t count)
{
    json_array_open(w);
    for (size_t i = 0; i < count; i++) {
        json_object_open(w);
        if (*items[i]->untagged)
            json_member_string(w, "Untagged", items[i]->untagged);
        if (*items[i]->deleted)
            json_member_string(w, "Deleted", items[i]->deleted);
        json_object_close(w);
    }
    json_array_close(w);
}

void docker_json_put_image_removed(struct buf *out, const Sockerless__ImageRemoveReply *r)
{
    struct json_writer w;
    json_writer_init(&w, out);
    put_removed(&w, r->items, r->n_items);
}

void docker_json_put_image_prune(struct buf *out, const Sockerless__ImagePruneReply *r)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_key(&w, "ImagesDeleted");
    if (r->n_items)
        put_removed(&w, r->items, r->n_items);
    else
        json_put_null(&w);
    json_member_int(&w, "SpaceReclaimed", r->space_reclaimed);
    json_object_close(&w);
}

/* ---- registries ---- */

static void put_platform(struct json_writer *w, const Sockerless__PlatformName *p)
{
    json_object_open(w);
    json_member_string(w, "architecture", p->architecture);
    json_member_string(w, "os", p->os);
    if (*p->variant)
        json_member_string(w, "variant", p->variant);
    json_object_close(w);
}

void docker_json_put_distribution(struct buf *out, const Sockerless__DistributionReply *r)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_object(&w, "Descriptor");
    json_member_string(&w, "mediaType", r->media_type);
    json_member_string(&w, "digest", r->digest);
    json_member_int(&w, "size", r->size);
    json_object_close(&w);
    json_key(&w, "Platforms");
    if (r->n_platforms) {
        json_array_open(&w);
        for (size_t i = 0; i < r->n_platforms; i++)
            put_platform(&w, r->platforms[i]);
        json_array_close(&w);
    } else {
        json_put_null(&w);
    }
    json_object_close(&w);
}

void docker_json_put_login(struct buf *out, const Sockerless__AuthReply *r)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_string(&w, "IdentityToken", r->identity_token);
    json_member_string(&w, "Status", r->status);
    json_object_close(&w);
}
