/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings that every backend has, whatever its cloud.
 */
#ifndef SOCKERLESS_BACKEND_BACKEND_CONFIG_H
#define SOCKERLESS_BACKEND_BACKEND_CONFIG_H

#include "base/config.h"

/* Settings that every backend has. */
struct backend_config {
    char *config; /* the file that settings are read from */
    char *listen; /* ipc:///run/sockerless/ecs.sock, tcp://… */
    bool insecure_tcp;
    char *state_dir;
    char *instance; /* mark on cloud resources; default: made once, kept in state_dir */
    char *log_level;
    char *registry_mirrors;    /* "docker.io=http://127.0.0.1:5000,…" */
    char *registry_endpoints;  /* the same form, with credentials and for pushes */
    char *insecure_registries; /* hosts that are called by plain http besides loopback */
    char *registry_ca_file;
    int64_t registry_timeout_s; /* of a request, or of a body's next piece */
    char *platform;             /* linux/amd64 */
    char *staging_registry;     /* repository for loaded images: "registry.example/sockerless" */
    const char *agent_registry; /* no row: where a cloud needs images with the agent; NULL: there */
    const char
        *agent_image; /* no row: where a cloud takes the agent's layer from; NULL: the binary */
    const char *agent_token; /* no row: of every run's agent; NULL: a random one a run */
    char *agent_binary;    /* for image_layer injection; default: beside the backend's executable */
    int64_t image_max_gib; /* largest archive accepted by load and import, unpacked */
    int64_t agent_port;
    char *callback_url;    /* where agents dial the backend; unset: it dials them */
    char *callback_listen; /* … and what is listened on for that */
    int64_t
        callback_timeout_ms; /* no row: how long an agent may take to bring a connection; 0: 10 s */
    char *callback_cert_file, *callback_key_file; /* for a wss:// address there */
    char *callback_ca_file;  /* what they trust at wss://; unset: their image's certificates */
    int64_t start_timeout_s; /* how long the cloud may take until a run runs; 120 */
    int64_t agent_timeout_s; /* and, from then on, its agent until it answers; 90 */
    int64_t image_ttl_s;     /* how long a tag's digest is trusted without asking again; 300 */
    int64_t maintain_ms;     /* between two looks for unused cloud resources; 10,000 */
};

/* What can be told of the settings without a cloud: addresses, references, certificates. */
int backend_config_check(const struct backend_config *c, struct error *err) MUST_CHECK;

/* Rows for a config table; use as `struct config_setting t[] = { own…, BACKEND_SETTINGS(c), {0} }`
 * with c a struct backend_config variable. */
#define BACKEND_SETTINGS(c)                                                                        \
    {"listen",                                                                                     \
     "SOCKERLESS_BACKEND_LISTEN",                                                                  \
     CONFIG_LISTEN,                                                                                \
     "ipc:///run/sockerless/backend.sock",                                                         \
     &(c).listen,                                                                                  \
     "address the frontend dials",                                                                 \
     0,                                                                                            \
     0},                                                                                           \
        CONFIG_ROW_CONFIG(&(c).config),                                                            \
        CONFIG_ROW_BOOL("insecure-tcp", "SOCKERLESS_INSECURE_TCP", "false", &(c).insecure_tcp,     \
                        "allow a tcp:// address that other machines reach; nothing protects it"),  \
        {"state-dir",                                                                              \
         "SOCKERLESS_STATE_DIR",                                                                   \
         CONFIG_DIRECTORY,                                                                         \
         "/var/lib/sockerless",                                                                    \
         &(c).state_dir,                                                                           \
         "folder of the SQLite database",                                                          \
         0,                                                                                        \
         0},                                                                                       \
        {"instance",                                                                               \
         "SOCKERLESS_INSTANCE",                                                                    \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).instance,                                                                            \
         "mark on this backend's cloud resources",                                                 \
         0,                                                                                        \
         0},                                                                                       \
        {"log-level",                                                                              \
         "SOCKERLESS_LOG_LEVEL",                                                                   \
         CONFIG_STRING,                                                                            \
         "info",                                                                                   \
         &(c).log_level,                                                                           \
         "debug, info, warn or error",                                                             \
         0,                                                                                        \
         0},                                                                                       \
        {"registry-mirrors",                                                                       \
         "SOCKERLESS_REGISTRY_MIRRORS",                                                            \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).registry_mirrors,                                                                    \
         "HOST=URL list: where to ask for a registry's images",                                    \
         0,                                                                                        \
         0},                                                                                       \
        {"registry-endpoints",                                                                     \
         "SOCKERLESS_REGISTRY_ENDPOINTS",                                                          \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).registry_endpoints,                                                                  \
         "HOST=URL list: registries at other addresses",                                           \
         0,                                                                                        \
         0},                                                                                       \
        {"insecure-registries",                                                                    \
         "SOCKERLESS_INSECURE_REGISTRIES",                                                         \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).insecure_registries,                                                                 \
         "hosts that are called by plain http",                                                    \
         0,                                                                                        \
         0},                                                                                       \
        {"registry-ca-file",    "SOCKERLESS_REGISTRY_CA_FILE",    CONFIG_FILE, NULL,               \
         &(c).registry_ca_file, "extra CA bundle for registries", 0,           0},                 \
        {"registry-timeout-s",    "SOCKERLESS_REGISTRY_TIMEOUT", CONFIG_INT, "30",                 \
         &(c).registry_timeout_s, "longest wait for a registry", 1,          600},                 \
        {"platform",                                                                               \
         "SOCKERLESS_PLATFORM",                                                                    \
         CONFIG_STRING,                                                                            \
         "linux/amd64",                                                                            \
         &(c).platform,                                                                            \
         "platform of the images to choose",                                                       \
         0,                                                                                        \
         0},                                                                                       \
        {"staging-registry",                                                                       \
         "SOCKERLESS_STAGING_REGISTRY",                                                            \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).staging_registry,                                                                    \
         "repository that loaded images are pushed to",                                            \
         0,                                                                                        \
         0},                                                                                       \
        {"agent-binary",    "SOCKERLESS_AGENT_BINARY",         CONFIG_FILE, NULL,                  \
         &(c).agent_binary, "agent for image_layer injection", 0,           0},                    \
        {"image-max-gib",    "SOCKERLESS_IMAGE_MAX_GIB",        CONFIG_INT, "20",                  \
         &(c).image_max_gib, "largest image archive, unpacked", 1,          1024},                 \
        {"agent-port",                                                                             \
         "SOCKERLESS_AGENT_PORT",                                                                  \
         CONFIG_INT,                                                                               \
         "9111",                                                                                   \
         &(c).agent_port,                                                                          \
         "port of the agent in the workload",                                                      \
         1,                                                                                        \
         65535},                                                                                   \
        {"callback-url",                                                                           \
         "SOCKERLESS_CALLBACK_URL",                                                                \
         CONFIG_STRING,                                                                            \
         NULL,                                                                                     \
         &(c).callback_url,                                                                        \
         "ws(s):// URL at which agents reach the backend",                                         \
         0,                                                                                        \
         0},                                                                                       \
        {"callback-listen",                                                                        \
         "SOCKERLESS_CALLBACK_LISTEN",                                                             \
         CONFIG_LISTEN,                                                                            \
         "ws://0.0.0.0:9112/",                                                                     \
         &(c).callback_listen,                                                                     \
         "ws(s):// address to listen on for them",                                                 \
         0,                                                                                        \
         0},                                                                                       \
        {"callback-cert-file",                                                                     \
         "SOCKERLESS_CALLBACK_CERT_FILE",                                                          \
         CONFIG_FILE,                                                                              \
         NULL,                                                                                     \
         &(c).callback_cert_file,                                                                  \
         "certificate for a wss:// address there (PEM)",                                           \
         0,                                                                                        \
         0},                                                                                       \
        {"callback-key-file",    "SOCKERLESS_CALLBACK_KEY_FILE", CONFIG_FILE, NULL,                \
         &(c).callback_key_file, "the certificate's key",        0,           0},                  \
        {"callback-ca-file",    "SOCKERLESS_CALLBACK_CA_FILE", CONFIG_FILE, NULL,                  \
         &(c).callback_ca_file, "CA that agents trust for it", 0,           0},                    \
        {"start-timeout-s",                                                                        \
         "SOCKERLESS_START_TIMEOUT",                                                               \
         CONFIG_INT,                                                                               \
         "120",                                                                                    \
         &(c).start_timeout_s,                                                                     \
         "seconds the cloud may take to start a container",                                        \
         1,                                                                                        \
         3600},                                                                                    \
        {"agent-timeout-s",                                                                        \
         "SOCKERLESS_AGENT_TIMEOUT",                                                               \
         CONFIG_INT,                                                                               \
         "90",                                                                                     \
         &(c).agent_timeout_s,                                                                     \
         "seconds from then on until its agent answers",                                           \
         1,                                                                                        \
         3600},                                                                                    \
        {"image-ttl-s",                                                                            \
         "SOCKERLESS_IMAGE_TTL",                                                                   \
         CONFIG_INT,                                                                               \
         "300",                                                                                    \
         &(c).image_ttl_s,                                                                         \
         "how long a tag's digest is trusted",                                                     \
         0,                                                                                        \
         86400},                                                                                   \
    {                                                                                              \
        "maintain-ms", "SOCKERLESS_MAINTAIN_MS", CONFIG_INT, "10000", &(c).maintain_ms,            \
            "milliseconds between searches for unused cloud resources", 100, 3600000               \
    }

#endif
