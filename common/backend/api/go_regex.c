/* SPDX-License-Identifier: Apache-2.0
 * Compiling and matching with PCRE2; see go_regex.h. */
#include "backend/api/go_regex.h"

#include "base/alloc.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

enum {
    GROUPS_NESTED_MAX = 4000, /* Go's own limit is checked before; one group may become several */
    WORKSPACE_FIRST = 1024,   /* places in an expression at once */
    WORKSPACE_MAX = 1024 * 1024,
    STEPS_MAX = 10 * 1000 * 1000,
    HEAP_MAX_KIB = 64 * 1024,
};

struct go_regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

static void *memory_take(PCRE2_SIZE size, void *unused)
{
    (void)unused;
    return xmalloc(size);
}

static void memory_give_back(void *memory, void *unused)
{
    (void)unused;
    free(memory);
}

/* PCRE2's memory is ours: it never fails. */
static pcre2_general_context *memory(void)
{
    static pcre2_general_context *context;
    if (!context)
        context = pcre2_general_context_create(memory_take, memory_give_back, NULL);
    return context;
}

static pcre2_code *compile(const struct buf *pattern, struct error *err)
{
    int code;
    PCRE2_SIZE at;
    pcre2_compile_context *context = pcre2_compile_context_create(memory());
    pcre2_set_parens_nest_limit(context, GROUPS_NESTED_MAX);
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)(pattern->data ? pattern->data : ""), pattern->len,
                      PCRE2_UTF | PCRE2_NO_AUTO_CAPTURE, &code, &at, context);
    pcre2_compile_context_free(context);
    if (!compiled) {
        PCRE2_UCHAR why[128];
        pcre2_get_error_message(code, why, sizeof why);
        error_set(err, ERROR_INVALID_PARAMETER, "error parsing regexp: %s", (char *)why);
    }
    return compiled;
}

struct go_regex *go_regex_new(const char *text, struct error *err)
{
    AUTO(buf) struct buf pattern = BUF_INIT;
    if (go_regex_translate(text, &pattern, err))
        return NULL;
    pcre2_code *code = compile(&pattern, err);
    if (!code)
        return NULL;
    struct go_regex *re = NEW(struct go_regex);
    re->code = code;
    re->match = pcre2_match_data_create(1, memory());
    re->limits = pcre2_match_context_create(memory());
    pcre2_set_match_limit(re->limits, STEPS_MAX);
    pcre2_set_heap_limit(re->limits, HEAP_MAX_KIB);
    return re;
}

void go_regex_free(struct go_regex *re)
{
    if (!re)
        return;
    pcre2_match_context_free(re->limits);
    pcre2_match_data_free(re->match);
    pcre2_code_free(re->code);
    free(re);
}

/* Where a limit is reached nothing matches. */
bool go_regex_matches(const struct go_regex *re, const char *text)
{
    int rc = PCRE2_ERROR_DFA_WSSIZE;
    for (size_t room = WORKSPACE_FIRST; rc == PCRE2_ERROR_DFA_WSSIZE && room <= WORKSPACE_MAX;
         room *= 4) {
        AUTO_FREE int *workspace = xcalloc(room, sizeof *workspace);
        rc = pcre2_dfa_match(re->code, (PCRE2_SPTR)text, strlen(text), 0, PCRE2_DFA_SHORTEST,
                             re->match, re->limits, workspace, room);
    }
    return rc >= 0;
}
