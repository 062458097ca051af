/* SPDX-License-Identifier: Apache-2.0
 * Google's credentials for tests; see google_rig.h. */
#include "test/kit/google_rig.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/kit/test.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

struct google_rig google_rig;
static struct google_rig *const rig = &google_rig;
static EVP_PKEY *rsa;
static char *rsa_pem;
static int failures;

int google_rig_key_setup(void **state)
{
    (void)state;
    char *text;
    BIO *bio = BIO_new(BIO_s_mem());
    rsa = EVP_RSA_gen(2048);
    if (!rsa || PEM_write_bio_PKCS8PrivateKey(bio, rsa, NULL, NULL, 0, NULL, NULL) != 1)
        return -1;
    long len = BIO_get_mem_data(bio, &text);
    rsa_pem = xstrndup(text, (size_t)len);
    BIO_free(bio);
    return 0;
}

int google_rig_key_teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    free(rsa_pem);
    return 0;
}

int google_rig_setup(void **state)
{
    if (harness_setup(state))
        return -1;
    struct harness *h = *state;
    strcpy(rig->directory, "/tmp/sockerless-gcp-XXXXXX");
    if (!mkdtemp(rig->directory))
        return -1;
    rig->file_path = xasprintf("%s/key.json", rig->directory);
    setenv("HOME", rig->directory, 1);
    setenv("NO_GCE_CHECK", "true", 1);
    rig->chain = gcp_credential_chain_new(h->http, NULL);
    return 0;
}

int google_rig_teardown(void **state)
{
    access_token_free(&rig->got);
    gcp_credential_chain_free(rig->chain);
    remove(rig->file_path);
    free(rig->file_path);
    remove(rig->directory);
    return harness_teardown(state);
}

void google_rig_use_file(struct harness *h, const char *text)
{
    FILE *f = fopen(rig->file_path, "w");
    for (; *text; text++) {
        if (*text == '@')
            fputs(h->url, f);
        else
            fputc(*text == '\'' ? '"' : *text, f);
    }
    fclose(f);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", rig->file_path, 1);
}

/* ---- service account ---- */

void google_rig_use_service_account(struct harness *h)
{
    json_t *doc = json_pack("{s:s, s:s, s:s, s:s, s:s+}", "type", "service_account", "client_email",
                            "runner@p.iam.gserviceaccount.com", "private_key_id", "key-1",
                            "private_key", rsa_pem, "token_uri", h->url, "/token");
    json_dump_file(doc, rig->file_path, 0);
    json_decref(doc);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", rig->file_path, 1);
}

/* more: further members. */
static char *write_federation(struct harness *h, const char *more)
{
    char *path = xasprintf("/tmp/sockerless-google-%d.json", (int)getpid());
    FILE *f = fopen(path, "w");
    fprintf(f,
            "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"t\","
            "\"token_url\":\"%s/token\",\"credential_source\":{\"file\":\"%s\"}%s}",
            h->url, path, more);
    fclose(f);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", path, 1);
    setenv("NO_GCE_CHECK", "true", 1);
    return path;
}

char *google_rig_federate(struct harness *h)
{
    return write_federation(h, "");
}

char *google_rig_federate_account(struct harness *h)
{
    AUTO_FREE char *more =
        xasprintf(",\"service_account_impersonation_url\":\"%s/sa:generateAccessToken\"", h->url);
    return write_federation(h, more);
}

/* ---- tokens ---- */

static void co_get(struct harness *h)
{
    (void)h;
    access_token_free(&rig->got);
    rig->err = (struct error){0};
    rig->result = co_gcp_credentials_get(rig->chain, &rig->got, &rig->generation, &rig->err);
}

void google_rig_get(struct harness *h)
{
    harness_run(h, co_get);
}

void google_rig_expect(const char *token)
{
    if (rig->result)
        fail_msg("%s", rig->err.message);
    assert_string_equal(rig->got.value, token);
}

void google_rig_expect_error(const char *says)
{
    assert_int_equal(rig->result, -1);
    if (!strstr(rig->err.message, says))
        fail_msg("\"%s\" does not say \"%s\"", rig->err.message, says);
}

static void co_get_mine(struct harness *h)
{
    struct access_token mine = {0};
    struct error err = {0};
    unsigned g;
    (void)h;
    failures += co_gcp_credentials_get(rig->chain, &mine, &g, &err) != 0;
    access_token_free(&mine);
}

json_t *google_rig_jwt_part(const char *text)
{
    size_t len;
    AUTO_FREE char *plain = (char *)base64_decode(text, strcspn(text, "."), &len);
    assert_non_null(plain);
    json_t *doc = json_loadb(plain, len, 0, NULL);
    assert_non_null(doc);
    return doc;
}

void google_rig_check_signature(const char *jwt)
{
    size_t len;
    const char *last = strrchr(jwt, '.');
    AUTO_FREE unsigned char *signature = base64_decode(last + 1, strlen(last + 1), &len);
    assert_non_null(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, rsa), 1);
    assert_int_equal(
        EVP_DigestVerify(ctx, signature, len, (const unsigned char *)jwt, (size_t)(last - jwt)), 1);
    EVP_MD_CTX_free(ctx);
}

void google_rig_get_token(struct harness *h, const char *token)
{
    google_rig_get(h);
    google_rig_expect(token);
}

void google_rig_get_error(struct harness *h, const char *text)
{
    google_rig_get(h);
    google_rig_expect_error(text);
}

int google_rig_get_many(struct harness *h, int count)
{
    failures = 0;
    harness_run_many(h, co_get_mine, count);
    return failures;
}

void google_rig_get_until(struct harness *h, bool (*enough)(struct harness *h))
{
    harness_repeat(h, co_get, enough, &rig->result);
}
