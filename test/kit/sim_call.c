/* SPDX-License-Identifier: Apache-2.0
 * Requests to a simulator; see sim_call.h. */
#include "test/kit/sim_call.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/kit/sim_rig.h"

#include <curl/curl.h>
#include <string.h>

static size_t on_bytes(char *data, size_t size, size_t count, void *user)
{
    buf_append(user, data, size * count);
    return size * count;
}

static struct curl_slist *headers_of(const struct sim_call *call)
{
    struct curl_slist *list = NULL;
    AUTO_FREE char *authorization =
        xasprintf("Authorization: Bearer %s", str_or_empty(call->bearer));
    if (!str_empty(call->bearer))
        list = curl_slist_append(list, authorization);
    for (size_t i = 0; i < ARRAY_LEN(call->headers); i++)
        if (call->headers[i])
            list = curl_slist_append(list, call->headers[i]);
    return list;
}

void sim_call(const struct sim_call *call, struct sim_answer *answer)
{
    CURL *curl = curl_easy_init();
    AUTO_FREE char *url = str_starts(call->path, "http://")
                              ? xstrdup(call->path)
                              : xasprintf("http://127.0.0.1:%d%s", sim_rig.sim.port, call->path);
    struct curl_slist *headers = headers_of(call);
    *answer = (struct sim_answer){0};
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (call->body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer->body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer->headers);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    answer->json = json_loadb(str_or_empty(answer->body.data), answer->body.len, 0, NULL);
}

char *sim_answer_header(const struct sim_answer *answer, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = str_or_empty(answer->headers.data); *line;) {
        if (!strncasecmp(line, name, len) && line[len] == ':') {
            line += len + 1;
            line += strspn(line, " ");
            return xstrndup(line, strcspn(line, "\r\n"));
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return NULL;
}

void sim_answer_fini(struct sim_answer *answer)
{
    json_decref(answer->json);
    buf_free(&answer->headers);
    buf_free(&answer->body);
    *answer = (struct sim_answer){0};
}
