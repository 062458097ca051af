/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/sim_kit.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void kit_blob_init(struct kit_blob *b, char *bytes, size_t len)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    b->bytes = bytes;
    b->len = len;
    SHA256((unsigned char *)bytes, len, hash);
    strcpy(b->digest, "sha256:");
    hex_encode(hash, sizeof hash, b->digest + 7);
}

static void kit_tar_entry(struct archive *tar, const char *path, mode_t type, const void *bytes,
                          size_t len)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, path);
    archive_entry_set_filetype(e, type);
    archive_entry_set_perm(e, 0755);
    if (type == AE_IFLNK)
        archive_entry_set_symlink(e, bytes);
    else
        archive_entry_set_size(e, (la_int64_t)len);
    archive_write_header(tar, e);
    if (type == AE_IFREG)
        archive_write_data(tar, bytes, len);
    archive_entry_free(e);
}

static char *kit_read_file(const char *path, size_t *len)
{
    struct buf b = BUF_INIT;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    while (fd >= 0 && (n = read(fd, buf_reserve(&b, 65536), 65536)) > 0)
        buf_commit(&b, (size_t)n);
    if (fd >= 0)
        close(fd);
    *len = b.len;
    return buf_steal(&b);
}

static const char kit_agent[] = "#!/bin/sh\nshift\nexec \"$@\"\n";

static const char kit_install[] = "#!/bin/sh\ncp /agent.sh \"$2/sockerless-agent\"\n";

static void kit_make_layer(struct kit_blob *out)
{
    static const char *const links[] = {"sh", "cp", "cat", "seq", "sleep", "true"};
    size_t len, used = 0, room;
    char *busybox = kit_read_file("/bin/busybox", &len);
    char *bytes = xmalloc(room = len + 65536);
    struct archive *tar = archive_write_new();
    archive_write_set_format_ustar(tar);
    archive_write_open_memory(tar, bytes, room, &used);
    kit_tar_entry(tar, "bin", AE_IFDIR, NULL, 0);
    kit_tar_entry(tar, "bin/busybox", AE_IFREG, busybox, len);
    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        AUTO_FREE char *path = xasprintf("bin/%s", links[i]);
        kit_tar_entry(tar, path, AE_IFLNK, "busybox", 0);
    }
    kit_tar_entry(tar, "agent.sh", AE_IFREG, kit_agent, strlen(kit_agent));
    kit_tar_entry(tar, "install.sh", AE_IFREG, kit_install, strlen(kit_install));
    /* as image_layer injection leaves it */
    kit_tar_entry(tar, "sockerless-agent", AE_IFREG, kit_agent, strlen(kit_agent));
    archive_write_close(tar);
    archive_write_free(tar);
    free(busybox);
    kit_blob_init(out, bytes, used);
}

static void kit_make_image(struct kit_registry *r, int i, const char *entry_point)
{
    char *config = xasprintf("{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Env\":["
                             "\"PATH=/bin\"],\"Entrypoint\":%s},\"rootfs\":{\"type\":\"layers\","
                             "\"diff_ids\":[\"%s\"]}}",
                             entry_point, r->layer.digest);
    kit_blob_init(&r->configs[i], config, strlen(config));
    char *manifest = xasprintf(
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\","
        "\"size\":%zu},\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
        "\"digest\":\"%s\",\"size\":%zu}]}",
        r->configs[i].digest, r->configs[i].len, r->layer.digest, r->layer.len);
    kit_blob_init(&r->manifests[i], manifest, strlen(manifest));
}

static bool kit_registry_serve(void *arg, struct mock_request *m)
{
    struct kit_registry *r = arg;
    const struct kit_blob *blobs[] = {&r->layer, &r->configs[0], &r->configs[1]};
    static const char type[] = "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n";
    if (strcmp(m->path, "/v2/") == 0)
        return mock_text(m, 200, "", "{}");
    if (strstr(m->path, "/library/tool/manifests/"))
        return mock_reply(m, 200, type, r->manifests[0].bytes, r->manifests[0].len);
    if (strstr(m->path, "/agent/manifests/"))
        return mock_reply(m, 200, type, r->manifests[1].bytes, r->manifests[1].len);
    for (size_t i = 0; i < ARRAY_LEN(blobs); i++)
        if (strstr(m->path, blobs[i]->digest))
            return mock_reply(m, 200, "", blobs[i]->bytes, blobs[i]->len);
    return mock_text(
        m, 404, "Content-Type: application/json\r\n",
        "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\"}]}");
}

void kit_registry_start(struct kit_registry *r)
{
    kit_make_layer(&r->layer);
    kit_make_image(r, 0, "null");
    kit_make_image(r, 1, "[\"/bin/sh\",\"/install.sh\"]");
    r->mock = mock_start(kit_registry_serve, r);
}

void kit_registry_stop(struct kit_registry *r)
{
    mock_stop(r->mock);
    free(r->layer.bytes);
    for (int i = 0; i < 2; i++) {
        free(r->configs[i].bytes);
        free(r->manifests[i].bytes);
    }
}

const char *kit_sim_binary(const char *self, const char *variable, const char *name)
{
    static char path[4096];
    const char *named = getenv(variable), *dir = getenv("BIN_DIR"), *slash = strrchr(self, '/');
    if (!str_empty(named))
        snprintf(path, sizeof path, "%s", named);
    else if (!str_empty(dir))
        snprintf(path, sizeof path, "%s/%s", dir, name);
    else
        snprintf(path, sizeof path, "%.*s/../../bin/%s", slash ? (int)(slash - self) : 1,
                 slash ? self : ".", name);
    return access(path, X_OK) ? NULL : path;
}

/* Read its log until it tells its port. */
static bool kit_sim_await(struct kit_sim *sim)
{
    static const char mark[] = "listening on 127.0.0.1:";
    struct buf log = BUF_INIT;
    const char *at = NULL;
    ssize_t n;
    while (!at && (n = read(sim->output, buf_reserve(&log, 4096), 4096)) > 0) {
        buf_commit(&log, (size_t)n);
        at = strstr(log.data, mark);
        if (at && !strchr(at, '\n'))
            at = NULL;
    }
    if (at)
        sim->port = atoi(at + strlen(mark));
    else
        fprintf(stderr, "the simulator did not start: %s\n", log.len ? log.data : "no output");
    buf_free(&log);
    return at != NULL;
}

/* A number from 0 to 249 that no other running test has: it is given back when this program ends.
 */
static int kit_slot(void)
{
    for (int slot = 0; slot < 250; slot++) {
        AUTO_FREE char *path = xasprintf("/run/sockerless-unit-%d", slot);
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            return slot; /* with fd left open */
        if (fd >= 0)
            close(fd);
    }
    return 0;
}

bool kit_sim_start(struct kit_sim *sim, const char *binary, int registry_port)
{
    int out[2];
    AUTO_FREE char *registry = xasprintf("--registry=docker.io=http://127.0.0.1:%d", registry_port);
    int slot = kit_slot();
    AUTO_FREE char *bridge = xasprintf("--bridge-name=skle%d", slot);
    AUTO_FREE char *subnet = xasprintf("--subnet=198.19.%d.0/24", slot);
    AUTO_FREE char *journal =
        xasprintf("--journal=%s", getenv("SIM_JOURNAL") ? getenv("SIM_JOURNAL") : "/dev/null");
    strcpy(sim->state_dir, "/var/tmp/sockerless-ecs-sim-XXXXXX");
    if (!mkdtemp(sim->state_dir) || pipe2(out, O_CLOEXEC))
        return false;
    AUTO_FREE char *state = xasprintf("--state-dir=%s", sim->state_dir);
    sim->pid = fork();
    if (sim->pid == 0) {
        dup2(out[1], STDERR_FILENO);
        execl(binary, binary, "--listen=127.0.0.1:0", registry, bridge, subnet, state, journal,
              "--log-level=info", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    sim->output = out[0];
    return sim->pid > 0 && kit_sim_await(sim);
}

void *kit_sim_drain(void *arg)
{
    char bytes[4096];
    while (read(((struct kit_sim *)arg)->output, bytes, sizeof bytes) > 0)
        ;
    return NULL;
}

bool kit_sim_stop(struct kit_sim *sim)
{
    int status = 0;
    kill(sim->pid, SIGTERM);
    waitpid(sim->pid, &status, 0);
    AUTO_FREE char *remove_it = xasprintf("rm -rf '%s'", sim->state_dir);
    return system(remove_it) == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
