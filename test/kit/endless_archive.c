/* SPDX-License-Identifier: Apache-2.0
 * A large image archive; see endless_archive.h. */
#include "test/kit/endless_archive.h"

#include "test/kit/oci_archive_kit.h"
#include "test/kit/test.h"

#include <sys/resource.h>

/* An archive that is never whole anywhere: a header, zeros without end, documents. */
struct endless {
    struct buf before, after;
    int64_t layer_left, sent;
    int part;
    size_t handed_on;
};

static ssize_t endless_read(void *arg, const void **bytes, struct error *err)
{
    static const char zeros[65536];
    struct endless *e = arg;
    (void)err;
    if (e->part == 0) {
        e->part = 1;
        *bytes = e->before.data;
        return (ssize_t)e->before.len;
    }
    if (e->layer_left) {
        size_t n = e->layer_left < (int64_t)sizeof zeros ? (size_t)e->layer_left : sizeof zeros;
        e->layer_left -= (int64_t)n;
        *bytes = zeros;
        return (ssize_t)n;
    }
    *bytes = e->after.data;
    return e->part++ == 1 ? (ssize_t)e->after.len : 0;
}

static int endless_open(void *arg, struct error *err)
{
    (void)arg;
    (void)err;
    return 0;
}

static int endless_write(void *arg, const void *bytes, size_t len, struct error *err)
{
    (void)bytes;
    (void)err;
    ((struct endless *)arg)->handed_on += len;
    return 0;
}

static int endless_close(void *arg, const struct archive_layer *layer, struct error *err)
{
    struct endless *e = arg;
    (void)err;
    char config[512], name[100];
    assert_int_equal(layer->size, e->handed_on);
    snprintf(config, sizeof config, "{\"rootfs\":{\"diff_ids\":[\"%s\"]}}", layer->diff_id);
    static const char manifest[] = "[{\"Config\":\"c\",\"Layers\":[\"l\"]}]";
    snprintf(name, sizeof name, "c");
    tar_put_header(&e->after, name, (int64_t)strlen(config), 0, 0644);
    buf_puts(&e->after, config);
    tar_put_padding(&e->after, (int64_t)strlen(config));
    tar_put_header(&e->after, "manifest.json", (int64_t)strlen(manifest), 0, 0644);
    buf_puts(&e->after, manifest);
    tar_put_padding(&e->after, (int64_t)strlen(manifest));
    tar_put_end(&e->after);
    return 0;
}

long endless_archive_load(int64_t size)
{
    struct endless e = {.layer_left = size};
    struct arena arena AUTO(arena);
    struct image_archive out;
    struct error err = {0};
    struct rusage use;
    const struct image_archive_io io = {&e, endless_read, endless_open, endless_write,
                                        endless_close};
    const struct image_archive_options options = {
        .size_max = (int64_t)1 << 40, .platform = {.os = "linux", .architecture = "amd64"}};
    arena_init(&arena);
    /* the end is appended when the layer is known: room first, so that it does not move */
    buf_reserve(&e.after, 8192);
    tar_put_header(&e.before, "l", size, 0, 0644);
    if (image_archive_read(&io, &options, &arena, &out, &err))
        fail_msg("%s", err.message);
    assert_int_equal(out.images[0].layers[0]->diff_size, size);
    buf_free(&e.before);
    buf_free(&e.after);
    getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss;
}
