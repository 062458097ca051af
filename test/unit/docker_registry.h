/* SPDX-License-Identifier: Apache-2.0
 *
 * A real docker-registry on a loopback port, open or with TLS under a private CA and the password
 * alice:s3cret; its data in a directory of its own.
 */
#ifndef SOCKERLESS_TEST_UNIT_DOCKER_REGISTRY_H
#define SOCKERLESS_TEST_UNIT_DOCKER_REGISTRY_H

#include <arpa/inet.h>
#include <ftw.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct docker_registry {
    char dir[64];
    int port;
    pid_t pid;
    int log_fd;
    pthread_t drain;
    bool secure; /* then DIR/cert.pem is the CA */
};

static int docker_registry_free_port(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &size), 0);
    close(fd);
    return ntohs(addr.sin_port);
}

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

static void write_config(const struct docker_registry *r)
{
    char path[128];
    snprintf(path, sizeof path, "%s/config.yml", r->dir);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(
        out,
        "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: %s/data\n"
        "http:\n  addr: 127.0.0.1:%d\n",
        r->dir, r->port);
    if (r->secure)
        fprintf(out,
                "  tls:\n    certificate: %s/cert.pem\n    key: %s/key.pem\n"
                "auth:\n  htpasswd:\n    realm: test\n    path: %s/htpasswd\n",
                r->dir, r->dir, r->dir);
    fclose(out);
    snprintf(path, sizeof path, "%s/htpasswd", r->dir);
    out = fopen(path, "w"); /* alice, s3cret */
    fputs("alice:$2b$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n", out);
    fclose(out);
}

/* A registry whose log nobody reads stops when the pipe is full. */
static void *docker_registry_drain(void *arg)
{
    struct docker_registry *r = arg;
    char bytes[4096];
    while (read(r->log_fd, bytes, sizeof bytes) > 0)
        ;
    return NULL;
}

/* Returns when the registry says that it listens. */
static void docker_registry_run(struct docker_registry *r)
{
    int log[2];
    char config[128], line[4096] = "";
    snprintf(config, sizeof config, "%s/config.yml", r->dir);
    assert_int_equal(pipe(log), 0);
    r->pid = fork();
    if (r->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies leaves none behind */
        dup2(log[1], 1);
        dup2(log[1], 2);
        close(log[0]);
        close(log[1]);
        unsetenv("REGISTRY_HTTP_ADDR");
        execlp("docker-registry", "docker-registry", "serve", config, (char *)NULL);
        dprintf(2, "docker-registry is not installed: apt-get install docker-registry\n");
        _exit(127);
    }
    close(log[1]);
    r->log_fd = log[0];
    size_t have = 0;
    while (!strstr(line, "listening on")) {
        if (have > sizeof line / 2) { /* keep the end: the words may be split */
            memmove(line, line + have - 64, 65);
            have = 64;
        }
        ssize_t n = read(log[0], line + have, sizeof line - have - 1);
        if (n <= 0)
            fail_msg("docker-registry did not start: %s", line);
        have += (size_t)n;
        line[have] = '\0';
    }
    assert_int_equal(pthread_create(&r->drain, NULL, docker_registry_drain, r), 0);
}

static int docker_registry_remove_entry(const char *path, const struct stat *st, int type,
                                        struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void docker_registry_start(struct docker_registry *r, bool secure)
{
    r->secure = secure;
    snprintf(r->dir, sizeof r->dir, "/tmp/oci_registry.XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    r->port = docker_registry_free_port();
    write_certificate(r);
    write_config(r);
    docker_registry_run(r);
}

static void docker_registry_stop(struct docker_registry *r)
{
    kill(r->pid, SIGKILL);
    waitpid(r->pid, NULL, 0);
    pthread_join(r->drain, NULL);
    close(r->log_fd);
    nftw(r->dir, docker_registry_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
