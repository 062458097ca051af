/* SPDX-License-Identifier: Apache-2.0
 * Checks of the settings that every backend has; see backend_config.h. */
#include "backend/state/backend_config.h"

#include "base/listen_address.h"
#include "base/str.h"
#include "oci/name/image_ref.h"
#include "oci/name/platform.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

enum { INSTANCE_MAX = 128 };

static int check_listen(const struct backend_config *c, struct error *err)
{
    struct listen_address address;
    if (listen_address_parse(c->listen, "ipc://", &address, err) ||
        listen_address_check_exposure(&address, c->insecure_tcp, err))
        return error_wrap(err, "--listen");
    return 0;
}

/* It becomes part of names and labels in the cloud. */
static int check_instance(const char *instance, struct error *err)
{
    size_t n = 0;
    while (instance && n <= INSTANCE_MAX &&
           (isalnum((unsigned char)instance[n]) || (instance[n] && strchr("._-", instance[n]))))
        n++;
    if (!instance || (!instance[n] && n <= INSTANCE_MAX))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "--instance: \"%.200s\" is not a name; give 1 to %d letters, digits, '.', '_' "
                     "and '-'",
                     instance, INSTANCE_MAX);
}

static int check_platform(const char *text, struct error *err)
{
    struct platform platform;
    if (platform_parse(text, &platform, err))
        return error_wrap(err, "--platform: give one like linux/amd64");
    return 0;
}

static int check_staging(const char *repository, struct error *err)
{
    struct image_ref ref;
    if (str_empty(repository))
        return 0;
    if (image_ref_parse(repository, &ref, err))
        return error_wrap(err,
                          "--staging-registry: \"%.200s\" is not a repository like "
                          "registry.example/sockerless",
                          repository);
    if (!ref.tag[0] && !ref.digest[0])
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "--staging-registry: \"%.200s\" must be a repository without tag and digest, "
                     "like registry.example/sockerless",
                     repository);
}

/* Else every registry would be refused, one request at a time. */
static int check_ca_file(const char *path, struct error *err)
{
    if (str_empty(path))
        return 0;
    BIO *file = BIO_new_file(path, "r");
    X509 *certificate = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    bool good = certificate != NULL;
    X509_free(certificate);
    BIO_free(file);
    ERR_clear_error();
    return good ? 0
                : error_set(err, ERROR_INVALID_PARAMETER,
                            "--registry-ca-file: %.300s holds no certificate; give a PEM file",
                            path);
}

static int check_callback(const struct backend_config *c, struct error *err)
{
    if (!str_starts(c->callback_listen, "ws://") && !str_starts(c->callback_listen, "wss://"))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "--callback-listen: \"%.200s\" is not an address; give one like "
                         "ws://0.0.0.0:9112/ or wss://0.0.0.0:9112/",
                         c->callback_listen);
    if (str_empty(c->callback_cert_file) != str_empty(c->callback_key_file))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "--callback-cert-file and --callback-key-file belong together; give both "
                         "or none");
    return 0;
}

int backend_config_check(const struct backend_config *c, struct error *err)
{
    return check_listen(c, err) || check_instance(c->instance, err) ||
                   check_platform(c->platform, err) || check_staging(c->staging_registry, err) ||
                   check_ca_file(c->registry_ca_file, err) || check_callback(c, err)
               ? -1
               : 0;
}
