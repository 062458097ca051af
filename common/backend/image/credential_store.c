/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealed logins; see credential_store.h. A seal is
 *
 *     version (1 byte) | nonce (12) | ciphertext of a CredentialRecord | tag (16)
 *
 * and authenticates the host, so that a row moved to another host does not open. The nonce is
 * random: logins are few, far from the 2^32 that one key may seal this way (NIST SP 800-38D, 8.3).
 */
#include "backend/image/credential_store.h"

#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KEY_BYTES = 32,
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
    SEAL_VERSION = 1,
    SEAL_OVERHEAD = 1 + NONCE_BYTES + TAG_BYTES,
    SECRET_MAX = 64 * 1024, /* of one login, all parts */
    HOST_MAX = 255,
};

struct credential_store {
    struct store *store;
    unsigned char key[KEY_BYTES];
};

/* ---- the key file ---- */

static int write_key(int fd, const char *path, struct error *err)
{
    unsigned char key[KEY_BYTES];
    random_bytes(key, sizeof key);
    ssize_t n = write(fd, key, sizeof key);
    explicit_bzero(key, sizeof key);
    if (n != KEY_BYTES || fsync(fd))
        return error_errno(err, ERROR_SYSTEM, n < 0 || n == KEY_BYTES ? errno : ENOSPC, "%s", path);
    return 0;
}

static int sync_directory(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);
    if (rc)
        error_errno(err, ERROR_SYSTEM, errno, "%s", path);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* Under another name first: a key file is whole or not there. The store's lock keeps other
 * processes out of the directory, so what is left of an earlier attempt has no owner. */
static int make_key(const char *state_dir, const char *path, struct error *err)
{
    char *fresh AUTO_FREE = xasprintf("%s.new", path);
    unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "%s", fresh);
    int rc = write_key(fd, fresh, err);
    close(fd);
    if (rc == 0 && rename(fresh, path))
        rc = error_errno(err, ERROR_SYSTEM, errno, "%s", path);
    if (rc) {
        unlink(fresh);
        return -1;
    }
    return sync_directory(state_dir, err);
}

static int check_key_file(int fd, const char *path, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st))
        return error_errno(err, ERROR_SYSTEM, errno, "%s", path);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
        return error_set(err, ERROR_SYSTEM,
                         "%s must be a file of the backend's own user that no other user can read "
                         "(chmod 600)",
                         path);
    if (st.st_size != KEY_BYTES)
        return error_set(err, ERROR_SYSTEM,
                         "%s is not a key: it has %lld bytes instead of %d; remove it and log in "
                         "again at every registry",
                         path, (long long)st.st_size, KEY_BYTES);
    return 0;
}

/* 1: there is none. */
static int read_key(const char *path, unsigned char key[KEY_BYTES], struct error *err)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 1 : error_errno(err, ERROR_SYSTEM, errno, "%s", path);
    int rc = check_key_file(fd, path, err);
    if (rc == 0 && read(fd, key, KEY_BYTES) != KEY_BYTES)
        rc = error_set(err, ERROR_SYSTEM, "%s cannot be read", path);
    close(fd);
    return rc;
}

int credential_store_open(struct store *store, const char *state_dir, struct credential_store **out,
                          struct error *err)
{
    char *path AUTO_FREE = xasprintf("%s/credentials.key", state_dir);
    struct credential_store *s = NEW(struct credential_store);
    s->store = store;
    int rc = read_key(path, s->key, err);
    if (rc > 0)
        rc = make_key(state_dir, path, err) ? -1 : read_key(path, s->key, err);
    if (rc > 0)
        rc = error_set(err, ERROR_SYSTEM, "%s was removed", path);
    if (rc) {
        credential_store_close(s);
        return error_wrap(err, "credentials");
    }
    *out = s;
    return 0;
}

void credential_store_close(struct credential_store *s)
{
    if (!s)
        return;
    explicit_bzero(s->key, sizeof s->key);
    free(s);
}

/* ---- hosts ---- */

static bool host_valid(const char *host)
{
    const char *s = host;
    if (*s == '[') {
        size_t n = strspn(s + 1, "0123456789abcdef:");
        if (n == 0 || s[1 + n] != ']')
            return false;
        s += n + 2;
    } else {
        size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_");
        if (n == 0 || !isalnum((unsigned char)*s))
            return false;
        s += n;
    }
    return !*s || (*s == ':' && s[1] && strlen(s + 1) <= 5 && !s[1 + strspn(s + 1, "0123456789")]);
}

/* Lower case, without scheme and path; false when it does not fit. */
static bool bare_host(const char *address, char host[HOST_MAX + 1])
{
    static const char *const schemes[] = {"https://", "http://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (strncasecmp(address, schemes[i], strlen(schemes[i])) == 0) {
            address += strlen(schemes[i]);
            break;
        }
    size_t len = strcspn(address, "/");
    if (len > HOST_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        host[i] = (char)tolower((unsigned char)address[i]);
    host[len] = '\0';
    return true;
}

int credential_host(const char *server_address, char *out, size_t size, struct error *err)
{
    static const char *const hub[] = {"index.docker.io", "registry-1.docker.io"};
    char host[HOST_MAX + 1];
    const char *found = host;
    if (str_empty(server_address))
        server_address = "docker.io";
    bool valid = bare_host(server_address, host) && host_valid(host);
    for (size_t i = 0; i < ARRAY_LEN(hub) && valid; i++)
        if (strcmp(host, hub[i]) == 0)
            found = "docker.io";
    if (!valid || strlen(found) >= size)
        return error_set(err, ERROR_INVALID_PARAMETER, "\"%.100s\" is not a registry address",
                         server_address);
    snprintf(out, size, "%s", found);
    return 0;
}

/* ---- seals ---- */

static int cipher_failed(EVP_CIPHER_CTX *ctx)
{
    EVP_CIPHER_CTX_free(ctx);
    return -1;
}

/* What of a seal comes before the ciphertext is authenticated by construction (the nonce) or
 * checked (the version). */
static int start_cipher(EVP_CIPHER_CTX *ctx, bool sealing, const struct credential_store *s,
                        const unsigned char *nonce, const char *host)
{
    int n;
    return EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, s->key, nonce, sealing) == 1 &&
                   EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)host,
                                    (int)strlen(host)) == 1
               ? 0
               : -1;
}

/* out: len + SEAL_OVERHEAD bytes. */
static int seal(const struct credential_store *s, const char *host, const unsigned char *plain,
                size_t len, unsigned char *out)
{
    unsigned char *nonce = out + 1, *text = nonce + NONCE_BYTES;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;
    *out = SEAL_VERSION;
    random_bytes(nonce, NONCE_BYTES);
    if (!ctx || start_cipher(ctx, true, s, nonce, host) ||
        EVP_EncryptUpdate(ctx, text, &n, plain, (int)len) != 1 ||
        EVP_EncryptFinal_ex(ctx, text + n, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, text + len) != 1)
        return cipher_failed(ctx);
    EVP_CIPHER_CTX_free(ctx);
    return 0;
}

/* plain: len - SEAL_OVERHEAD bytes. */
static int unseal(const struct credential_store *s, const char *host, const unsigned char *sealed,
                  size_t len, unsigned char *plain)
{
    size_t plain_len = len - SEAL_OVERHEAD;
    const unsigned char *nonce = sealed + 1, *text = nonce + NONCE_BYTES;
    unsigned char tag[TAG_BYTES];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;
    memcpy(tag, text + plain_len, TAG_BYTES);
    if (!ctx || sealed[0] != SEAL_VERSION || start_cipher(ctx, false, s, nonce, host) ||
        EVP_DecryptUpdate(ctx, plain, &n, text, (int)plain_len) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) != 1 ||
        EVP_DecryptFinal_ex(ctx, plain + n, &n) != 1)
        return cipher_failed(ctx);
    EVP_CIPHER_CTX_free(ctx);
    return 0;
}

/* ---- logins ---- */

int credential_store_put(struct credential_store *s, const char *host,
                         const struct registry_login *login, struct error *err)
{
    Sockerless__CredentialRecord rec = SOCKERLESS__CREDENTIAL_RECORD__INIT;
    rec.username = (char *)str_or_empty(login->username);
    rec.password = (char *)str_or_empty(login->password);
    rec.identity_token = (char *)str_or_empty(login->identity_token);
    size_t len = sockerless__credential_record__get_packed_size(&rec);
    if (len > SECRET_MAX)
        return error_set(err, ERROR_TOO_LARGE, "credentials for %s: longer than %d bytes", host,
                         SECRET_MAX);
    unsigned char *plain = xmalloc(len + 1);
    unsigned char *sealed AUTO_FREE = xmalloc(len + SEAL_OVERHEAD);
    sockerless__credential_record__pack(&rec, plain);
    int rc = seal(s, host, plain, len, sealed);
    explicit_bzero(plain, len);
    free(plain);
    if (rc)
        return error_set(err, ERROR_SYSTEM, "credentials for %s: sealing failed", host);
    return store_credential_put(s->store, host, sealed, len + SEAL_OVERHEAD, err);
}

static char *take(char *text)
{
    char *out = *text ? xstrdup(text) : NULL;
    explicit_bzero(text, strlen(text));
    return out;
}

/* False: no record. plain is wiped. */
static bool login_unpack(unsigned char *plain, size_t len, struct registry_login *out)
{
    Sockerless__CredentialRecord *rec = sockerless__credential_record__unpack(NULL, len, plain);
    explicit_bzero(plain, len);
    if (!rec)
        return false;
    out->username = take(rec->username);
    out->password = take(rec->password);
    out->identity_token = take(rec->identity_token);
    sockerless__credential_record__free_unpacked(rec, NULL);
    return true;
}

int credential_store_get(struct credential_store *s, const char *host, struct registry_login *out,
                         struct error *err)
{
    void *bytes;
    size_t len;
    *out = (struct registry_login){0};
    if (store_credential_get(s->store, host, &bytes, &len, err))
        return error_wrap(err, "credentials for %s", host);
    unsigned char *sealed AUTO_FREE = bytes;
    if (!sealed)
        return 0;
    unsigned char *plain AUTO_FREE = xcalloc(1, len + 1);
    if (len >= SEAL_OVERHEAD && len <= SECRET_MAX + SEAL_OVERHEAD &&
        unseal(s, host, sealed, len, plain) == 0 && login_unpack(plain, len - SEAL_OVERHEAD, out))
        return 0;
    explicit_bzero(plain, len); /* a wrong tag still leaves what was deciphered */
    return error_set(err, ERROR_SYSTEM,
                     "the stored login for %s cannot be opened with this key: log in again", host);
}

/* The cloud's own registry needs no login of a person's. */
static int co_driver_login(struct cloud_driver *driver, const char *host,
                           struct registry_login *out, struct error *err)
{
    struct registry_credentials found = {0};
    if (!driver->registry)
        return 0;
    if (driver->registry->co_credentials(driver->self, host, &found, err))
        return -1;
    if (found.found) {
        out->username = found.username;
        out->password = found.password;
        out->identity_token = found.identity_token;
    }
    return 0;
}

static int stored_login(struct backend *b, const char *host, struct registry_login *out,
                        struct error *err)
{
    char key[HOST_MAX + 1];
    struct error unusual; /* a host that no login can be stored for */
    *out = (struct registry_login){0};
    if (!b->credentials || credential_host(host, key, sizeof key, &unusual))
        return 0;
    return credential_store_get(b->credentials, key, out, err);
}

int has_stored_login(struct backend *b, const char *host, bool *found, struct error *err)
{
    AUTO(registry_login) struct registry_login login = {0};
    if (stored_login(b, host, &login, err))
        return -1;
    *found = !registry_login_empty(&login);
    return 0;
}

int co_clouds_login(void *backend, const char *host, struct registry_login *out, struct error *err)
{
    *out = (struct registry_login){0};
    return co_driver_login(((struct backend *)backend)->driver, host, out, err);
}

int co_backend_login(void *backend, const char *host, struct registry_login *out, struct error *err)
{
    struct backend *b = backend;
    if (stored_login(b, host, out, err))
        return -1;
    return registry_login_empty(out) ? co_driver_login(b->driver, host, out, err) : 0;
}
