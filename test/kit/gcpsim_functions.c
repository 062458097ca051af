/* SPDX-License-Identifier: Apache-2.0
 * Functions of the simulated Google Cloud; see gcpsim_rig.h. */
#include "test/kit/gcpsim_rig.h"
#include "test/kit/sim_call.h"

#include <archive.h>
#include <archive_entry.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define answer(status, method, path, body) gcpsim_rig_answer(__LINE__, status, method, path, body)

/* A server of busybox whose only page is what $CGI does. */
#define SERVE                                                                                      \
    "busybox mkdir -p /www/cgi-bin; busybox printf '#!/bin/sh\\n%s\\n' \"$CGI\" "                  \
    ">/www/cgi-bin/run; "                                                                          \
    "busybox chmod 755 /www/cgi-bin/run; trap 'exit 0' "                                           \
    "TERM; busybox httpd -f -p $PORT -h /www & wait"
#define PAGE "/cgi-bin/run"

static void add_file(struct archive *zip, const char *name, const char *text)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0644);
    archive_entry_set_size(e, (la_int64_t)strlen(text));
    archive_write_header(zip, e);
    archive_write_data(zip, text, strlen(text));
    archive_entry_free(e);
}

static size_t make_archive(const char *entry_point, char *bytes, size_t room)
{
    size_t used = 0;
    AUTO_FREE char *source =
        xasprintf("package p\nfunc init() { functions.HTTP(\"%s\", serve) }\n", entry_point);
    struct archive *zip = archive_write_new();
    archive_write_set_format_zip(zip);
    archive_write_open_memory(zip, bytes, room, &used);
    add_file(zip, "go.mod", "module example.com/stub\ngo 1.24\n");
    add_file(zip, "function.go", source);
    archive_write_close(zip);
    archive_write_free(zip);
    return used;
}

static long put(const char *url, const char *bytes, size_t len)
{
    long status = 0;
    CURL *h = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/zip");
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, "PUT");
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(h, CURLOPT_POSTFIELDS, bytes);
    curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long)len);
    curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
    if (curl_easy_perform(h) == CURLE_OK)
        curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(h);
    return status;
}

json_t *gcpsim_rig_upload(const char *entry_point)
{
    char bytes[16384];
    json_auto_t *offer = answer(200, "POST", GCPSIM_PARENT "/functions:generateUploadUrl", "{}");
    size_t len = make_archive(entry_point, bytes, sizeof bytes);
    assert_int_equal(put(value_string(offer, "uploadUrl"), bytes, len), 200);
    return json_incref(json_object_get(offer, "storageSource"));
}

char *gcpsim_rig_function_body(const char *entry_point, const char *more)
{
    json_auto_t *storage = gcpsim_rig_upload(entry_point);
    AUTO_FREE char *source = json_dumps(storage, JSON_COMPACT);
    return xasprintf(
        "{\"environment\":\"GEN_2\",\"labels\":{\"pool\":\"a\"},\"buildConfig\":{"
        "\"runtime\":\"go124\",\"entryPoint\":\"%s\",\"source\":{\"storageSource\":%s}},"
        "\"serviceConfig\":{\"availableMemory\":\"1Gi\",\"availableCpu\":\"1\"%s}}",
        entry_point, source, more);
}

void gcpsim_rig_create_function(const char *id)
{
    AUTO_FREE char *body = gcpsim_rig_function_body("Serve", "");
    AUTO_FREE char *path = xasprintf(GCPSIM_PARENT "/functions?functionId=%s", id);
    json_auto_t *operation = gcpsim_rig_await(answer(200, "POST", path, body));
    assert_string_equal(value_string(json_object_get(operation, "response"), "state"), "ACTIVE");
}

json_t *gcpsim_rig_patch_service(const char *id, const char *script, const char *more)
{
    json_auto_t *cgi = value_text(script);
    AUTO_FREE char *quoted = json_dumps(cgi, JSON_ENCODE_ANY);
    json_auto_t *serve = value_text(SERVE);
    AUTO_FREE char *command = json_dumps(serve, JSON_ENCODE_ANY);
    AUTO_FREE char *path = xasprintf(GCPSIM_PARENT "/services/%s", id);
    AUTO_FREE char *body =
        xasprintf("{\"template\":{\"containers\":[{\"image\":\"docker.io/library/"
                  "tool:1\",\"command\":[\"/bin/"
                  "sh\",\"-c\"],\"args\":[%s],\"env\":[{\"name\":\"CGI\",\"value\":%s}]}],"
                  "\"executionEnvironment\":\"EXECUTION_ENVIRONMENT_GEN2\","
                  "\"maxInstanceRequestConcurrency\":1%s}}",
                  command, quoted, more);
    return answer(200, "PATCH", path, body);
}

void gcpsim_rig_delete_function(const char *id)
{
    AUTO_FREE char *path = xasprintf(GCPSIM_PARENT "/functions/%s", id);
    AUTO_FREE char *service = xasprintf(GCPSIM_PARENT "/services/%s", id);
    json_decref(gcpsim_rig_await(answer(200, "DELETE", path, NULL)));
    json_decref(answer(404, "GET", path, NULL));
    json_decref(answer(404, "GET", service, NULL));
}

char *gcpsim_rig_id_token(const char *audience)
{
    AUTO_FREE char *body = xasprintf("{\"audience\":\"%s\",\"includeEmail\":true}", audience);
    json_auto_t *out =
        answer(200, "POST",
               "/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateIdToken", body);
    return xstrdup(value_string(out, "token"));
}

char *gcpsim_rig_uri(const char *id)
{
    AUTO_FREE char *path = xasprintf(GCPSIM_PARENT "/services/%s", id);
    json_auto_t *service = answer(200, "GET", path, NULL);
    return xstrdup(value_string(service, "uri"));
}

long gcpsim_rig_invoke(const char *id, const char *body, char **text)
{
    AUTO_FREE char *uri = gcpsim_rig_uri(id);
    AUTO_FREE char *token = gcpsim_rig_id_token(uri);
    AUTO_FREE char *url = xasprintf("%s" PAGE, uri);
    struct sim_answer got;
    const struct sim_call call = {token, "POST", url, body, {NULL}};
    sim_call(&call, &got);
    long status = got.status;
    if (text)
        *text = xstrndup(str_or_empty(got.body.data), got.body.len);
    sim_answer_fini(&got);
    return status;
}

json_t *gcpsim_rig_resources(void)
{
    return answer(200, "GET", "/_sim/resources", NULL);
}
