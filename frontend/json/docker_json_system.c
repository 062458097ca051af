/* SPDX-License-Identifier: Apache-2.0
 *
 * /info, /version and the small answers of create, exec and wait; see docker_json.h.
 */
#include "frontend/json/docker_json.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "frontend/json/version.h"

#include <string.h>
#include <sys/utsname.h>

static const char *go_arch(const char *machine)
{
    if (!strcmp(machine, "x86_64"))
        return "amd64";
    return !strcmp(machine, "aarch64") ? "arm64" : machine;
}

void docker_json_put_version(struct buf *out)
{
    struct utsname host;
    struct json_writer w;
    if (uname(&host))
        memset(&host, 0, sizeof(host));
    json_writer_init(&w, out);
    json_object_open(&w);
    json_key(&w, "Platform");
    JSON_RAW_LITERAL(&w, "{\"Name\":\"Sockerless\"}");
    json_member_array(&w, "Components");
    json_object_open(&w);
    json_member_string(&w, "Name", "Engine");
    json_member_string(&w, "Version", SOCKERLESS_VERSION);
    json_member_object(&w, "Details");
    json_member_string(&w, "ApiVersion", API_VERSION_MAX);
    json_member_string(&w, "Arch", go_arch(host.machine));
    json_member_string(&w, "BuildTime", "");
    json_member_string(&w, "Experimental", "false");
    json_member_string(&w, "GitCommit", "");
    json_member_string(&w, "GoVersion", "");
    json_member_string(&w, "KernelVersion", host.release);
    json_member_string(&w, "MinAPIVersion", API_VERSION_MIN);
    json_member_string(&w, "Os", "linux");
    json_object_close(&w);
    json_object_close(&w);
    json_array_close(&w);
    json_member_string(&w, "Version", SOCKERLESS_VERSION);
    json_member_string(&w, "ApiVersion", API_VERSION_MAX);
    json_member_string(&w, "MinAPIVersion", API_VERSION_MIN);
    json_member_string(&w, "GitCommit", "");
    json_member_string(&w, "GoVersion", "");
    json_member_string(&w, "Os", "linux");
    json_member_string(&w, "Arch", go_arch(host.machine));
    json_member_string(&w, "KernelVersion", host.release);
    json_member_string(&w, "BuildTime", "");
    json_object_close(&w);
}

static void put_info_counts(struct json_writer *w, const Sockerless__InfoReply *r)
{
    json_member_string(w, "ID", r->instance_id);
    json_member_int(w, "Containers", r->containers);
    json_member_int(w, "ContainersRunning", r->containers_running);
    json_member_int(w, "ContainersPaused", r->containers_paused);
    json_member_int(w, "ContainersStopped", r->containers_stopped);
    json_member_int(w, "Images", r->images);
    json_member_string(w, "Driver", "sockerless");
    json_key(w, "DriverStatus");
    json_array_open(w);
    char *const backend[] = {(char *)(uintptr_t) "Backend", r->backend_name};
    char *const version[] = {(char *)(uintptr_t) "Backend Version", r->backend_version};
    json_string_array(w, backend, 2);
    json_string_array(w, version, 2);
    json_array_close(w);
    json_key(w, "Plugins");
    static const char plugins[] = "{\"Volume\":[\"local\"],\"Network\":[\"bridge\",\"host\","
                                  "\"null\"],\"Authorization\":null,\"Log\":[\"json-file\"]}";
    JSON_RAW_LITERAL(w, plugins);
}

/* What the clouds take of a container's resource settings. */
static void put_info_abilities(struct json_writer *w)
{
    static const struct {
        const char *key;
        bool value;
    } abilities[] = {
        {"MemoryLimit", true}, {"SwapLimit", false},         {"CpuCfsPeriod", true},
        {"CpuCfsQuota", true}, {"CPUShares", true},          {"CPUSet", false},
        {"PidsLimit", false},  {"IPv4Forwarding", true},     {"BridgeNfIptables", false},
        {"Debug", false},      {"BridgeNfIp6tables", false}, {"OomKillDisable", false},
    };
    for (size_t i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++)
        json_member_bool(w, abilities[i].key, abilities[i].value);
}

static void put_info_host(struct json_writer *w, const Sockerless__InfoReply *r, int64_t now_ns)
{
    char now[TIMEFMT_RFC3339_MAX];
    struct utsname host;
    if (uname(&host))
        memset(&host, 0, sizeof(host));
    json_member_int(w, "NFd", 0);
    json_member_int(w, "NGoroutines", 0);
    json_member_string(w, "SystemTime", timefmt_rfc3339nano(now_ns, now));
    json_member_string(w, "LoggingDriver", *r->logging_driver ? r->logging_driver : "json-file");
    json_member_string(w, "CgroupDriver", "none");
    json_member_string(w, "CgroupVersion", "2");
    json_member_int(w, "NEventsListener", 0);
    json_member_string(w, "KernelVersion", host.release);
    json_member_string(w, "OperatingSystem", r->operating_system);
    json_member_string(w, "OSVersion", "");
    json_member_string(w, "OSType", "linux");
    json_member_string(w, "Architecture", *r->architecture ? r->architecture : host.machine);
    json_member_string(w, "IndexServerAddress", "https://index.docker.io/v1/");
    json_key(w, "RegistryConfig");
    static const char registry[] =
        "{\"AllowNondistributableArtifactsCIDRs\":[],\"AllowNondistributableArtifactsHostnames\":"
        "[],\"InsecureRegistryCIDRs\":[\"127.0.0.0/8\"],\"IndexConfigs\":{\"docker.io\":{\"Name\":"
        "\"docker.io\",\"Mirrors\":[],\"Secure\":true,\"Official\":true}},\"Mirrors\":[]}";
    JSON_RAW_LITERAL(w, registry);
    json_member_int(w, "NCPU", r->cpus);
    json_member_int(w, "MemTotal", r->memory);
    json_key(w, "GenericResources");
    json_put_null(w);
    json_member_string(w, "DockerRootDir", "");
    json_member_string(w, "HttpProxy", "");
    json_member_string(w, "HttpsProxy", "");
    json_member_string(w, "NoProxy", "");
    json_member_string(w, "Name", host.nodename);
}

static void put_info_tail(struct json_writer *w, const Sockerless__InfoReply *r)
{
    static const char runtimes[] = "{\"runc\":{\"path\":\"runc\"}}";
    static const char swarm[] =
        "{\"NodeID\":\"\",\"NodeAddr\":\"\",\"LocalNodeState\":\"inactive\",\"ControlAvailable\":"
        "false,\"Error\":\"\",\"RemoteManagers\":null}";
    static const char commit[] = "{\"ID\":\"\",\"Expected\":\"\"}";
    json_key(w, "Labels");
    json_string_array(w, r->labels, r->n_labels);
    json_member_bool(w, "ExperimentalBuild", false);
    json_member_string(w, "ServerVersion", SOCKERLESS_VERSION);
    json_key(w, "Runtimes");
    JSON_RAW_LITERAL(w, runtimes);
    json_member_string(w, "DefaultRuntime", "runc");
    json_key(w, "Swarm");
    JSON_RAW_LITERAL(w, swarm);
    json_member_bool(w, "LiveRestoreEnabled", true);
    json_member_string(w, "Isolation", "");
    json_member_string(w, "InitBinary", "");
    static const char *const commits[] = {"ContainerdCommit", "RuncCommit", "InitCommit"};
    for (size_t i = 0; i < sizeof(commits) / sizeof(commits[0]); i++) {
        json_key(w, commits[i]);
        JSON_RAW_LITERAL(w, commit);
    }
    json_key(w, "SecurityOptions");
    json_string_array(w, NULL, 0);
    json_key(w, "Warnings");
    if (r->n_warnings)
        json_string_array(w, r->warnings, r->n_warnings);
    else
        json_put_null(w);
}

void docker_json_put_info(struct buf *out, const Sockerless__InfoReply *r, int64_t now_ns)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    put_info_counts(&w, r);
    put_info_abilities(&w);
    put_info_host(&w, r, now_ns);
    put_info_tail(&w, r);
    json_object_close(&w);
}

void docker_json_put_create(struct buf *out, const Sockerless__ContainerCreateReply *r)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_string(&w, "Id", r->id);
    json_key(&w, "Warnings");
    json_string_array(&w, r->warnings, r->n_warnings);
    json_object_close(&w);
}

void docker_json_put_exec_create(struct buf *out, const Sockerless__ExecCreateReply *r)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_string(&w, "Id", r->id);
    json_object_close(&w);
}

static void put_process(struct json_writer *w, const Sockerless__ExecCreateRequest *c)
{
    json_member_object(w, "ProcessConfig");
    json_member_bool(w, "tty", c->tty);
    json_member_string(w, "entrypoint", c->n_cmd ? c->cmd[0] : "");
    json_key(w, "arguments");
    json_string_array(w, c->n_cmd ? c->cmd + 1 : NULL, c->n_cmd ? c->n_cmd - 1 : 0);
    json_member_bool(w, "privileged", c->privileged);
    if (*c->user)
        json_member_string(w, "user", c->user);
    json_object_close(w);
}

void docker_json_put_exec(struct buf *out, const Sockerless__ExecInspectReply *r)
{
    const Sockerless__ExecCreateRequest none = SOCKERLESS__EXEC_CREATE_REQUEST__INIT;
    const Sockerless__ExecCreateRequest *c = r->config ? r->config : &none;
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_string(&w, "ID", r->id);
    json_member_bool(&w, "Running", r->running);
    json_key(&w, "ExitCode");
    if (r->has_exit_code)
        json_int(&w, r->exit_code);
    else
        json_put_null(&w);
    put_process(&w, c);
    json_member_bool(&w, "OpenStdin", c->attach_stdin);
    json_member_bool(&w, "OpenStderr", c->attach_stderr);
    json_member_bool(&w, "OpenStdout", c->attach_stdout);
    json_member_bool(&w, "CanRemove", r->can_remove);
    json_member_string(&w, "ContainerID", r->container_id);
    AUTO_FREE char *keys = base64_encode(r->detach_keys.data, r->detach_keys.len);
    json_member_string(&w, "DetachKeys", keys);
    json_member_int(&w, "Pid", r->pid);
    json_object_close(&w);
}

/* `Error` was null before API 1.42 and is left out since. */
void docker_json_put_wait(struct buf *out, int32_t code, unsigned api)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    if (api < 42) {
        json_key(&w, "Error");
        json_put_null(&w);
    }
    json_member_int(&w, "StatusCode", code);
    json_object_close(&w);
}
