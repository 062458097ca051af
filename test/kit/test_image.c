/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/test_image.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void test_image_add_layer(struct test_image *i, const char *file, const void *bytes, size_t len)
{
    struct buf *layer = &i->layers[i->layer_count];
    tar_put_header(layer, file, (int64_t)len, 0, 0644);
    buf_append(layer, bytes, len);
    tar_put_padding(layer, (int64_t)len);
    tar_put_end(layer);
    digest_sha256(layer->data, layer->len, i->diff_ids[i->layer_count++]);
}

void test_image_make_config(struct test_image *i, const char *marker)
{
    buf_printf(&i->config,
               "{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2024-01-02T03:04:05Z\","
               "\"config\":{\"Cmd\":[\"%s\"],\"Entrypoint\":[\"/bin/sh\"]},\"rootfs\":{\"type\":"
               "\"layers\",\"diff_ids\":[",
               marker);
    for (size_t l = 0; l < i->layer_count; l++)
        buf_printf(&i->config, "%s\"%s\"", l ? "," : "", i->diff_ids[l]);
    buf_puts(&i->config, "]},\"history\":[");
    for (size_t l = 0; l < i->layer_count; l++)
        buf_printf(&i->config, "%s{\"created_by\":\"step %zu\"}", l ? "," : "", l);
    buf_puts(&i->config, "]}");
    digest_sha256(i->config.data, i->config.len, i->id);
}

void test_image_free(struct test_image *i)
{
    for (size_t l = 0; l < i->layer_count; l++)
        buf_free(&i->layers[l]);
    buf_free(&i->config);
}

void tar_put_file(struct buf *tar, const char *name, const void *bytes, size_t len)
{
    tar_put_header(tar, name, (int64_t)len, 0, 0644);
    buf_append(tar, bytes, len);
    tar_put_padding(tar, (int64_t)len);
}

void test_image_put_docker(struct buf *tar, struct test_image *i, const char *tags)
{
    struct buf manifest = BUF_INIT;
    char name[128];
    snprintf(name, sizeof name, "%s.json", i->id + 7);
    tar_put_file(tar, name, i->config.data, i->config.len);
    buf_printf(&manifest, "[{\"Config\":\"%s\",\"RepoTags\":%s,\"Layers\":[", name, tags);
    for (size_t l = 0; l < i->layer_count; l++) {
        snprintf(name, sizeof name, "%s/layer.tar", i->diff_ids[l] + 7);
        tar_put_file(tar, name, i->layers[l].data, i->layers[l].len);
        buf_printf(&manifest, "%s\"%s\"", l ? "," : "", name);
    }
    buf_puts(&manifest, "]}]");
    tar_put_file(tar, "manifest.json", manifest.data, manifest.len);
    tar_put_end(tar);
    buf_free(&manifest);
}

void test_image_make_small(struct test_image *i, const char *marker)
{
    memset(i, 0, sizeof *i);
    test_image_add_layer(i, "base", "shared by all", 13);
    test_image_add_layer(i, "top", marker, strlen(marker));
    test_image_make_config(i, marker);
}

void test_noise(void *out, size_t len, uint64_t seed)
{
    char *to = out;
    for (size_t i = 0; i + 8 <= len; i += 8) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        memcpy(to + i, &seed, 8);
    }
}

void test_image_make_large(struct test_image *i, size_t len, uint64_t seed)
{
    AUTO_FREE unsigned char *bytes = xmalloc(len);
    memset(i, 0, sizeof *i);
    test_noise(bytes, len, seed);
    test_image_add_layer(i, "big", bytes, len);
    test_image_make_config(i, "big");
}
