/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent as a layer of its own; see agent_layer.h. Nothing in it depends on when or where it is
 * made: the same agent is the same layer, which registries then have already.
 */
#include "oci/archive/agent_layer.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "oci/name/digest.h"
#include "oci/archive/layer_gzip.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { AGENT_MAX = 256 * 1024 * 1024, READ_SIZE = 256 * 1024, AGENT_MODE = 0755 };

static int read_file(const char *path, struct buf *out, struct error *err)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return error_errno(err, ERROR_NOT_FOUND, errno, "agent %s", path);
    size_t n = 1;
    while (n && out->len <= AGENT_MAX) {
        n = fread(buf_reserve(out, READ_SIZE), 1, READ_SIZE, f);
        buf_commit(out, n);
    }
    bool failed = ferror(f);
    int errnum = errno;
    fclose(f);
    if (failed)
        return error_errno(err, ERROR_NOT_FOUND, errnum, "agent %s", path);
    if (out->len > AGENT_MAX)
        return error_set(err, ERROR_TOO_LARGE, "agent %s: over %d bytes", path, AGENT_MAX);
    return 0;
}

static int on_packed(void *arg, const void *bytes, size_t len, struct error *err)
{
    (void)err;
    buf_append(arg, bytes, len);
    return 0;
}

static int pack(const struct buf *tar, struct buf *out, struct error *err)
{
    struct layer_gzip *g = layer_gzip_new(on_packed, out);
    int rc = layer_gzip_write(g, tar->data, tar->len, err);
    if (rc == 0)
        rc = layer_gzip_finish(g, err);
    layer_gzip_free(g);
    return rc;
}

int agent_layer_make(const char *agent_file, const char *path_in_image, struct archive_layer *out,
                     void **bytes, size_t *len, struct error *err)
{
    struct buf agent AUTO(buf) = BUF_INIT, tar AUTO(buf) = BUF_INIT, packed AUTO(buf) = BUF_INIT;
    const char *name = path_in_image + strspn(path_in_image, "/");
    if (!*name)
        return error_set(err, ERROR_INVALID_PARAMETER, "agent: no path in the image");
    if (read_file(agent_file, &agent, err))
        return -1;
    tar_put_header(&tar, name, (int64_t)agent.len, 0, AGENT_MODE);
    buf_append(&tar, agent.data, agent.len);
    tar_put_padding(&tar, (int64_t)agent.len);
    tar_put_end(&tar);
    if (pack(&tar, &packed, err))
        return -1;
    *out = (struct archive_layer){
        .size = (int64_t)packed.len,
        .diff_size = (int64_t)tar.len,
        .media_type = "application/vnd.oci.image.layer.v1.tar+gzip",
    };
    digest_sha256(tar.data, tar.len, out->diff_id);
    digest_sha256(packed.data, packed.len, out->digest);
    *len = packed.len;
    *bytes = buf_steal(&packed);
    return 0;
}
