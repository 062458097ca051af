/* SPDX-License-Identifier: Apache-2.0
 * TLS by OpenSSL over memory buffers; see tls_server.h. */
#include "ipc/tls_server.h"

#include "base/alloc.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <string.h>

struct tls_server {
    SSL_CTX *ctx;
};

struct tls_session {
    SSL *ssl;
    BIO *in, *out; /* the session's */
};

enum { TLS_ENDED = -1, TLS_BROKEN = -2 };

/* ---- the server ---- */

static int fault(struct error *err, const char *what)
{
    char text[200] = "";
    unsigned long code = ERR_peek_last_error();
    if (code)
        ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return error_set(err, ERROR_INVALID_PARAMETER, "%s%s%s", what, *text ? ": " : "", text);
}

static int use_chain(SSL_CTX *ctx, const char *pem, struct error *err)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL), *next;
    int rc = leaf && SSL_CTX_use_certificate(ctx, leaf) == 1 ? 0 : -1;
    while (rc == 0 && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
        if (SSL_CTX_add0_chain_cert(ctx, next) != 1) {
            X509_free(next);
            rc = -1;
        }
    X509_free(leaf);
    BIO_free(bio);
    if (rc)
        return fault(err, "the certificate cannot be used");
    ERR_clear_error(); /* the end of the file is reported as an error */
    return 0;
}

/* A key with a password is refused: a daemon cannot ask for it. */
static int no_password(char *buf, int size, int rwflag, void *user_data)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)user_data;
    return -1;
}

static int use_key(SSL_CTX *ctx, const char *pem, struct error *err)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    int rc = key && SSL_CTX_use_PrivateKey(ctx, key) == 1 ? 0 : -1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    if (rc)
        return fault(err, "the key cannot be used");
    if (SSL_CTX_check_private_key(ctx) != 1)
        return fault(err, "the key is not the certificate's");
    return 0;
}

struct tls_server *tls_server_new(const char *cert_pem, const char *key_pem, struct error *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    ERR_clear_error();
    if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        fault(err, "TLS");
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    if (use_chain(ctx, cert_pem, err) || use_key(ctx, key_pem, err)) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    struct tls_server *s = NEW(struct tls_server);
    s->ctx = ctx;
    return s;
}

void tls_server_free(struct tls_server *s)
{
    if (!s)
        return;
    SSL_CTX_free(s->ctx);
    free(s);
}

/* ---- a session ---- */

struct tls_session *tls_session_new(struct tls_server *s)
{
    struct tls_session *t = NEW(struct tls_session);
    t->ssl = SSL_new(s->ctx);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (!t->ssl || !t->in || !t->out)
        abort(); /* fails only without memory */
    SSL_set_bio(t->ssl, t->in, t->out);
    SSL_set_accept_state(t->ssl);
    return t;
}

void tls_session_free(struct tls_session *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    free(t);
}

void tls_session_give(struct tls_session *t, const void *bytes, size_t len)
{
    if (BIO_write(t->in, bytes, (int)len) != (int)len)
        abort(); /* fails only without memory */
}

int tls_session_read(struct tls_session *t, void *to, size_t room)
{
    size_t n = 0;
    ERR_clear_error();
    int rc = SSL_read_ex(t->ssl, to, room, &n);
    if (rc == 1)
        return (int)n;
    int why = SSL_get_error(t->ssl, rc);
    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ)
        return 0;
    return why == SSL_ERROR_ZERO_RETURN ? TLS_ENDED : TLS_BROKEN;
}

bool tls_session_has_input(const struct tls_session *t)
{
    return SSL_has_pending(t->ssl) || BIO_ctrl_pending(t->in);
}

bool tls_session_write(struct tls_session *t, const void *bytes, size_t len)
{
    size_t written = 0;
    ERR_clear_error();
    bool ok = SSL_write_ex(t->ssl, bytes, len, &written) == 1 && written == len;
    ERR_clear_error();
    return ok;
}

void tls_session_end(struct tls_session *t)
{
    if (SSL_is_init_finished(t->ssl))
        SSL_shutdown(t->ssl);
    ERR_clear_error();
}

size_t tls_session_output(struct tls_session *t, const void **bytes)
{
    char *data = NULL;
    long len = BIO_get_mem_data(t->out, &data);
    *bytes = data;
    return len > 0 ? (size_t)len : 0;
}

void tls_session_sent(struct tls_session *t)
{
    (void)BIO_reset(t->out);
}
