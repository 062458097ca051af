/* SPDX-License-Identifier: Apache-2.0
 * Answers to invocations; see gcf_answer.h. (Cloud Run documentation, "Troubleshoot Cloud Run
 * issues": what the platform answers with which status.) */
#include "gcf_answer.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define AGENT_HEADER "Sockerless-Agent"

enum {
    KILLED = 128 + SIGKILL,
    EARLY_MS = 5000, /* a failure within is one of the start */
    TIMEOUT_SLACK_MS = 3000,
    WORDS_MAX = 320,
};

static void say(struct workload_status *status, const char *before, const char *text,
                const char *behind)
{
    snprintf(status->reason, sizeof status->reason, "%s%s%s", before, text, behind);
}

static void say_timeout(int64_t timeout_s, struct workload_status *status)
{
    status->has_exit_code = status->cut_short = true;
    status->exit_code = KILLED;
    snprintf(status->reason, sizeof status->reason,
             "the function's timeout of %lld s was over (SOCKERLESS_GCF_TIMEOUT)",
             (long long)timeout_s);
}

/* ---- the agent's ---- */

static int64_t time_of(const json_t *doc, const char *key)
{
    return time_ns_of_ms(json_integer_value(json_object_get(doc, key)));
}

static enum gcf_verdict read_end(const json_t *doc, struct workload_status *status)
{
    const json_t *code = json_object_get(doc, "exit_code");
    status->has_exit_code = json_is_integer(code);
    status->exit_code = (int)(json_integer_value(code) & 0xff);
    status->started_ns = time_of(doc, "started_ms");
    status->stopped_ns = time_of(doc, "finished_ms");
    return GCF_OVER;
}

static enum gcf_verdict read_agent(const struct http_response *res, int64_t timeout_s,
                                   struct workload_status *status)
{
    struct error ignored;
    json_t *doc AUTO(json) = json_doc_load(str_or_empty(res->body.data), res->body.len, &ignored);
    const char *text = json_doc_text(doc, "error");
    say(status, "", text, "");
    switch (res->status) {
    case 200: return read_end(doc, status);
    case 409:
    case 410: return GCF_ELSEWHERE;
    case 429: return GCF_AGAIN;
    case 502:
        status->start_failed = true;
        say(status, "its agent did not reach the backend (SOCKERLESS_CALLBACK_URL): ", text, "");
        return GCF_OVER;
    case 504: say_timeout(timeout_s, status); return GCF_OVER;
    default: status->start_failed = true; return GCF_OVER;
    }
}

/* ---- the platform's ---- */

static bool is_out_of_memory(const char *text)
{
    return (strcasestr(text, "memory limit") && strcasestr(text, "exceeded")) ||
           strcasestr(text, "out of memory");
}

static enum gcf_verdict read_failure(long http, int64_t elapsed_ms, int64_t timeout_s,
                                     struct workload_status *status)
{
    status->oom_killed = is_out_of_memory(status->reason);
    if ((http == 504 || http == 408) && elapsed_ms + TIMEOUT_SLACK_MS >= timeout_s * 1000) {
        say_timeout(timeout_s, status);
        return GCF_OVER;
    }
    return elapsed_ms < EARLY_MS && !status->oom_killed ? GCF_AGAIN : GCF_OVER;
}

/* What a person would read of it: tags and line breaks become blanks. */
static void copy_words(const char *body, size_t len, char *out, size_t size)
{
    size_t n = 0;
    bool tag = false;
    for (size_t i = 0; i < len && n < size - 1; i++) {
        unsigned char c = (unsigned char)body[i];
        bool blank = tag || c == '<' || c <= ' ' || c == 0x7f;
        tag = c == '<' || (tag && c != '>');
        if (!blank)
            out[n++] = (char)c;
        else if (n && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    out[n && out[n - 1] == ' ' ? n - 1 : n] = '\0';
}

static void read_words(const struct http_response *res, char *out, size_t size)
{
    struct error ignored;
    json_t *doc AUTO(json) =
        res->body.len ? json_doc_load(res->body.data, res->body.len, &ignored) : NULL;
    const char *message = json_doc_text(json_object_get(doc, "error"), "message");
    if (*message)
        copy_words(message, strlen(message), out, size);
    else
        copy_words(str_or_empty(res->body.data), res->body.len, out, size);
}

static enum gcf_verdict read_platform(const struct http_response *res, int64_t elapsed_ms,
                                      int64_t timeout_s, struct workload_status *status)
{
    char number[32], words[WORDS_MAX];
    read_words(res, words, sizeof words);
    snprintf(number, sizeof number, "HTTP %ld: ", res->status);
    say(status, number, words, "");
    switch (res->status) {
    case 401: return GCF_REJECTED;
    case 403:
        status->start_failed = true;
        say(status, number, words,
            "; the backend's identity lacks roles/run.invoker on the function's service");
        return GCF_OVER;
    case 404: return GCF_NOT_THERE;
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504: return read_failure(res->status, elapsed_ms, timeout_s, status);
    default: status->start_failed = true; return GCF_OVER;
    }
}

enum gcf_verdict gcf_answer_read(const struct http_response *res, int64_t elapsed_ms,
                                 int64_t timeout_s, struct workload_status *status)
{
    *status = (struct workload_status){.phase = WORKLOAD_STOPPED};
    return http_response_header(res, AGENT_HEADER)
               ? read_agent(res, timeout_s, status)
               : read_platform(res, elapsed_ms, timeout_s, status);
}
