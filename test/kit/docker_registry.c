/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/docker_registry.h"

#include "test/kit/test.h"

#include <ftw.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

/* A self-signed certificate for 127.0.0.1 is its own private CA. */
static void write_certificate(const struct docker_registry *r)
{
    char path[128];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(cert, san, -1);
    X509_EXTENSION_free(san);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    snprintf(path, sizeof path, "%s/cert.pem", r->dir);
    FILE *out = fopen(path, "w");
    assert_true(PEM_write_X509(out, cert));
    fclose(out);
    snprintf(path, sizeof path, "%s/key.pem", r->dir);
    out = fopen(path, "w");
    assert_true(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL));
    fclose(out);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void write_password(const struct docker_registry *r)
{
    char path[128];
    snprintf(path, sizeof path, "%s/htpasswd", r->dir);
    FILE *out = fopen(path, "w"); /* alice, s3cret */
    assert_non_null(out);
    fputs("alice:$2b$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n", out);
    fclose(out);
}

static int docker_registry_remove_entry(const char *path, const struct stat *st, int type,
                                        struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void docker_registry_start(struct docker_registry *r, bool secure)
{
    char more[512] = "";
    *r = (struct docker_registry){.secure = secure};
    snprintf(r->dir, sizeof r->dir, "/tmp/oci_registry.XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    write_certificate(r);
    write_password(r);
    if (secure)
        snprintf(more, sizeof more,
                 "  tls:\n    certificate: %s/cert.pem\n    key: %s/key.pem\n"
                 "auth:\n  htpasswd:\n    realm: test\n    path: %s/htpasswd\n",
                 r->dir, r->dir, r->dir);
    registry_start_with(&r->process, r->dir, "data", more);
    r->port = r->process.port;
}

void docker_registry_stop(struct docker_registry *r)
{
    registry_stop(&r->process);
    nftw(r->dir, docker_registry_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
