/* SPDX-License-Identifier: Apache-2.0
 * The Job's JSON; see cloudrun_job.h.
 *
 * The agent is the container's first process: the image holds it, or a start-up script downloads
 * it. A job is made for one run, so command, arguments and environment are all in it: the overrides
 * of jobs.run could change neither command nor image. */
#include "cloudrun_job.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "cloudrun_environment.h"
#include "cloudrun_names.h"
#include "cloudrun_size.h"
#include "cloudrun_startup.h"
#include "cloud/cloud_labels.h"
#include "cloud/gcp/gcp_label.h"

#include <stdio.h>
#include <string.h>

#define MAIN_CONTAINER "main"

enum { JOB_MAX = 512 * 1024, NOTES_MAX = 256 * 1024, LABELS_MAX = 100 * 1024 };

/* ---- labels and annotations ---- */

static void write_labels(struct json_writer *w, const struct workload_spec *spec)
{
    char value[GCP_LABEL_MAX + 1], id[16];
    json_member_object(w, "labels");
    json_member_string(w, GCP_LABEL_MANAGED, "true");
    gcp_label_value(spec->instance, value);
    json_member_string(w, GCP_LABEL_INSTANCE, value);
    snprintf(id, sizeof id, "%.12s", spec->container_id);
    json_member_string(w, CLOUDRUN_LABEL_CONTAINER, id);
    json_object_close(w);
}

/* All of Docker's labels as one JSON text: their names may hold what no annotation's may. */
static void write_docker_labels(struct json_writer *w, const struct workload_spec *spec,
                                size_t room)
{
    AUTO(buf) struct buf text = BUF_INIT;
    struct json_writer labels;
    json_writer_init(&labels, &text);
    json_object_open(&labels);
    cloud_labels_write(&labels, spec->config, NULL, room);
    json_object_close(&labels);
    json_key(w, CLOUDRUN_NOTE_LABELS);
    json_string_len(w, text.data, text.len);
}

static void write_annotations(struct json_writer *w, const struct workload_spec *spec,
                              size_t label_room)
{
    json_member_object(w, "annotations");
    json_member_string(w, CLOUDRUN_NOTE_INSTANCE, spec->instance);
    json_member_string(w, CLOUDRUN_NOTE_CONTAINER_ID, spec->container_id);
    json_member_string(w, CLOUDRUN_NOTE_CONTAINER_NAME, str_or_empty(spec->container_name));
    json_member_string(w, CLOUDRUN_NOTE_RUN, spec->run_token);
    if (spec->config && spec->config->n_labels)
        write_docker_labels(w, spec, label_room);
    json_object_close(w);
}

/* ---- container ---- */

static int write_command(struct json_writer *w, const struct cloudrun_config *config,
                         const struct workload_spec *spec, struct error *err)
{
    if (!spec->agent_in_image && config->injection == CLOUDRUN_INJECT_IMAGE_LAYER)
        return error_set(err, ERROR_SYSTEM,
                         "agent injection \"image_layer\": the image %s was not given the agent",
                         spec->image);
    json_key(w, "command");
    if (spec->agent_in_image) {
        static char *const command[] = {AGENT_IMAGE_PATH};
        json_string_array(w, command, 1);
    } else {
        AUTO(buf) struct buf script = BUF_INIT;
        cloudrun_startup_script(config, &script);
        char *const command[] = {"/bin/sh", "-c", script.data, "sockerless"};
        json_string_array(w, command, ARRAY_LEN(command));
    }
    json_key(w, "args");
    json_string_array(w, spec->agent_argv, spec->agent_argc);
    return 0;
}

static int write_resources(struct json_writer *w, const struct workload_spec *spec,
                           struct error *err)
{
    const struct cloud_size_wish wish = cloud_size_wish_of(spec->host);
    struct cloud_size size;
    char number[24];
    if (cloud_size_choose(&cloudrun_size_table, &wish, &size, err))
        return -1;
    json_member_object(w, "resources");
    json_member_object(w, "limits");
    snprintf(number, sizeof number, "%d", size.cpu_units / CLOUD_CPU_UNITS);
    json_member_string(w, "cpu", number);
    snprintf(number, sizeof number, "%dMi", size.memory_mib);
    json_member_string(w, "memory", number);
    json_object_close(w);
    json_object_close(w);
    return 0;
}

static int write_container(struct json_writer *w, const struct cloudrun_config *config,
                           const struct workload_spec *spec, struct error *err)
{
    json_object_open(w);
    json_member_string(w, "name", MAIN_CONTAINER);
    json_member_string(w, "image", spec->image);
    if (write_command(w, config, spec, err) ||
        cloudrun_environment_write(w, spec, !spec->agent_in_image, err) ||
        write_resources(w, spec, err))
        return -1;
    json_object_close(w);
    return 0;
}

/* ---- job ---- */

static void write_interface(struct json_writer *w, const struct cloudrun_config *config)
{
    json_member_array(w, "networkInterfaces");
    json_object_open(w);
    if (!str_empty(config->vpc_network))
        json_member_string(w, "network", config->vpc_network);
    if (!str_empty(config->vpc_subnetwork))
        json_member_string(w, "subnetwork", config->vpc_subnetwork);
    if (config->network_tags.count) {
        json_key(w, "tags");
        json_string_array(w, config->network_tags.items, config->network_tags.count);
    }
    json_object_close(w);
    json_array_close(w);
}

/* How the container reaches a VPC: through a connector or, with Direct VPC egress, by an interface
 * of its own. */
static void write_vpc_access(struct json_writer *w, const struct cloudrun_config *config)
{
    bool direct = !str_empty(config->vpc_network) || !str_empty(config->vpc_subnetwork);
    if (!direct && !config->connector_name)
        return;
    json_member_object(w, "vpcAccess");
    if (direct)
        write_interface(w, config);
    else
        json_member_string(w, "connector", config->connector_name);
    json_member_string(w, "egress", config->all_egress ? "ALL_TRAFFIC" : "PRIVATE_RANGES_ONLY");
    json_object_close(w);
}

/* A run happens once, whatever becomes of it: the API's own default are three retries. */
static int write_task(struct json_writer *w, const struct cloudrun_config *config,
                      const struct workload_spec *spec, struct error *err)
{
    char timeout[32];
    json_member_object(w, "template");
    json_member_array(w, "containers");
    if (write_container(w, config, spec, err))
        return -1;
    json_array_close(w);
    json_member_int(w, "maxRetries", 0);
    snprintf(timeout, sizeof timeout, "%llds", (long long)config->task_timeout_s);
    json_member_string(w, "timeout", timeout);
    if (!str_empty(config->service_account))
        json_member_string(w, "serviceAccount", config->service_account);
    write_vpc_access(w, config);
    json_object_close(w);
    return 0;
}

static int job_build(const struct cloudrun_config *config, const struct workload_spec *spec,
                     size_t label_room, struct buf *out, struct error *err)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    write_labels(&w, spec);
    size_t before = out->len;
    write_annotations(&w, spec, label_room);
    if (out->len - before > NOTES_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "the job's annotations take %zu bytes; Cloud Run takes at most %d",
                         out->len - before, NOTES_MAX);
    json_member_string(&w, "client", "sockerless");
    json_member_object(&w, "template");
    json_member_int(&w, "taskCount", 1);
    json_member_int(&w, "parallelism", 1);
    if (write_task(&w, config, spec, err))
        return -1;
    json_object_close(&w);
    json_object_close(&w);
    return 0;
}

int cloudrun_job_build(const struct cloudrun_config *config, const struct workload_spec *spec,
                       struct buf *out, struct error *err)
{
    if (job_build(config, spec, LABELS_MAX, out, err))
        return -1;
    if (out->len > JOB_MAX) {
        explicit_bzero(out->data, out->len); /* the token */
        buf_clear(out);
        if (job_build(config, spec, 0, out, err)) /* the container's row has the labels */
            return -1;
    }
    if (out->len <= JOB_MAX)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "command and environment make a job of %zu bytes; at most %d can be sent",
                     out->len, JOB_MAX);
}
