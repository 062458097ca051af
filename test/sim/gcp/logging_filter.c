/* SPDX-License-Identifier: Apache-2.0
 * The Logging query language ("Logging query language" in the documentation); see
 * logging_filter.h. A recursive descent parser into a tree of nodes; logging_match.c evaluates it.
 */
#include "test/sim/gcp/logging_filter.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/gcp/logging_node.h"

#include <ctype.h>
#include <string.h>

enum { DEPTH_MAX = 32, PATH_MAX_PARTS = 8 };

struct parser {
    const char *text, *at;
    int depth;
    struct error *err;
};

static void node_free(struct node *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->count; i++)
        node_free(n->children[i]);
    free(n->children);
    strv_free(&n->path);
    free(n->value);
    free(n);
}

static struct node *node_new(enum node_kind kind)
{
    struct node *n = NEW(struct node);
    n->kind = kind;
    return n;
}

static void node_add(struct node *n, struct node *child)
{
    n->children = xrealloc(n->children, (n->count + 1) * sizeof *n->children);
    n->children[n->count++] = child;
}

/* ---- words ---- */

static struct node *bad(struct parser *p, const char *what)
{
    error_set(p->err, ERROR_INVALID_PARAMETER, "Unparseable filter: %s at position %zu", what,
              (size_t)(p->at - p->text));
    return NULL;
}

static void skip_space(struct parser *p)
{
    p->at += strspn(p->at, " \t\r\n");
}

static bool take_char(struct parser *p, char c)
{
    skip_space(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || strchr("_-/+%", c);
}

/* A keyword in capitals, followed by no other letter. */
static bool take_keyword(struct parser *p, const char *word)
{
    size_t len = strlen(word);
    skip_space(p);
    if (strncmp(p->at, word, len) != 0 || (p->at[len] && is_word(p->at[len])))
        return false;
    p->at += len;
    return true;
}

/* "quoted with \" and \\" or a bare word; heap, NULL when there is neither. dots: a bare word may
 * have them. */
static char *take_text(struct parser *p, bool dots)
{
    skip_space(p);
    size_t room = strlen(p->at) + 1, n = 0;
    char *out = xmalloc(room);
    if (*p->at == '"') {
        p->at++;
        while (*p->at && *p->at != '"') {
            if (*p->at == '\\' && p->at[1])
                p->at++;
            out[n++] = *p->at++;
        }
        if (*p->at == '"') {
            p->at++;
            out[n] = '\0';
            return out;
        }
    } else {
        while (*p->at && (is_word(*p->at) || (dots && strchr(".:", *p->at))))
            out[n++] = *p->at++;
        out[n] = '\0';
        if (n)
            return out;
    }
    free(out);
    return NULL;
}

/* ---- comparisons ---- */

static bool take_operator(struct parser *p, enum compare *out)
{
    static const struct {
        const char *text;
        enum compare compare;
    } operators[] = {{"!=", NOT_EQUAL}, {"<=", LESS_EQUAL}, {">=", GREATER_EQUAL},
                     {"=", EQUAL},      {"<", LESS},        {">", GREATER},
                     {":", HAS}};
    skip_space(p);
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        if (str_starts(p->at, operators[i].text)) {
            p->at += strlen(operators[i].text);
            *out = operators[i].compare;
            return *p->at != '~'; /* regular expressions are not known here */
        }
    return false;
}

static enum logging_field field_of(const struct strv *path)
{
    static const struct {
        const char *parts[3];
        enum logging_field field;
    } known[] = {{{"logName"}, LOGGING_LOG_NAME},
                 {{"log_id"}, LOGGING_LOG_ID},
                 {{"timestamp"}, LOGGING_TIMESTAMP},
                 {{"receiveTimestamp"}, LOGGING_RECEIVED},
                 {{"resource", "type"}, LOGGING_TYPE},
                 {{"resource", "labels", "project_id"}, LOGGING_PROJECT},
                 {{"resource", "labels", "location"}, LOGGING_LOCATION},
                 {{"resource", "labels", "job_name"}, LOGGING_JOB},
                 {{"labels", "run.googleapis.com/execution_name"}, LOGGING_EXECUTION},
                 {{"resource", "labels", "service_name"}, LOGGING_SERVICE},
                 {{"resource", "labels", "revision_name"}, LOGGING_REVISION},
                 {{"labels", "instanceId"}, LOGGING_INSTANCE}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        size_t n = 0;
        while (n < path->count && n < ARRAY_LEN(known[i].parts) && known[i].parts[n] &&
               !strcmp(known[i].parts[n], path->items[n]))
            n++;
        if (n == path->count && (n == ARRAY_LEN(known[i].parts) || !known[i].parts[n]))
            return known[i].field;
    }
    return LOGGING_OTHER;
}

/* RFC 3339, and ISO 8601 with an offset without its colon (+0000), as Google's own client for
 * Python writes it. */
static bool parse_time(const char *text, int64_t *ns)
{
    size_t len = strlen(text);
    if (len < 5 || !strchr("+-", text[len - 5]) || strspn(text + len - 4, "0123456789") != 4)
        return timefmt_parse_rfc3339(text, ns);
    AUTO_FREE char *with_colon = xasprintf("%.*s:%s", (int)len - 2, text, text + len - 2);
    return timefmt_parse_rfc3339(with_colon, ns);
}

static struct node *comparison(struct parser *p, const struct strv *path, enum compare compare)
{
    struct node *n = node_new(NODE_COMPARE);
    for (size_t i = 0; i < path->count; i++)
        strv_push(&n->path, path->items[i]);
    n->compare = compare;
    n->field = field_of(&n->path);
    n->value = take_text(p, true);
    if (!n->value || (node_is_time(n) && !parse_time(n->value, &n->time_ns))) {
        node_free(n);
        return bad(p, "no value that can be compared with");
    }
    return n;
}

/* field=("a" OR "b"): a comparison each. */
static struct node *comparison_list(struct parser *p, const struct strv *path, enum compare compare)
{
    struct node *any = node_new(NODE_OR);
    do {
        struct node *n = comparison(p, path, compare);
        if (!n) {
            node_free(any);
            return NULL;
        }
        node_add(any, n);
    } while (take_keyword(p, "OR"));
    if (take_char(p, ')'))
        return any;
    node_free(any);
    return bad(p, "expected ) or OR");
}

/* log_id("run.googleapis.com/stdout") is logName with the id encoded, in whatever project. */
static struct node *log_id(struct parser *p)
{
    struct strv path = STRV_INIT;
    strv_push(&path, "log_id");
    struct node *n = comparison(p, &path, EQUAL);
    strv_free(&path);
    if (n && !take_char(p, ')')) {
        node_free(n);
        return bad(p, "expected )");
    }
    return n;
}

static struct node *parse_comparison(struct parser *p)
{
    struct strv path = STRV_INIT;
    struct node *n = NULL;
    enum compare compare;
    do {
        char *part = take_text(p, false);
        if (part)
            strv_push_owned(&path, part);
        else
            break;
    } while (path.count < PATH_MAX_PARTS && take_char(p, '.'));
    if (path.count == 1 && !strcmp(path.items[0], "log_id") && take_char(p, '('))
        n = log_id(p);
    else if (path.count == 0 || !take_operator(p, &compare))
        bad(p, "expected a comparison of a field");
    else if (take_char(p, '('))
        n = comparison_list(p, &path, compare);
    else
        n = comparison(p, &path, compare);
    strv_free(&path);
    return n;
}

/* ---- AND, OR, NOT ---- */

static struct node *parse_and(struct parser *p);

static struct node *parse_not(struct parser *p)
{
    struct node *n = NULL;
    skip_space(p);
    if (++p->depth > DEPTH_MAX)
        return bad(p, "nested too deeply");
    if (take_keyword(p, "NOT") || (*p->at == '-' && take_char(p, '-'))) {
        struct node *child = parse_not(p);
        if (child)
            node_add(n = node_new(NODE_NOT), child);
    } else if (take_char(p, '(')) {
        n = parse_and(p);
        if (n && !take_char(p, ')')) {
            node_free(n);
            n = bad(p, "expected )");
        }
    } else {
        n = parse_comparison(p);
    }
    p->depth--;
    return n;
}

static struct node *parse_or(struct parser *p)
{
    struct node *any = node_new(NODE_OR);
    do {
        struct node *n = parse_not(p);
        if (!n) {
            node_free(any);
            return NULL;
        }
        node_add(any, n);
    } while (take_keyword(p, "OR"));
    return any;
}

static struct node *parse_and(struct parser *p)
{
    struct node *all = node_new(NODE_AND);
    do {
        struct node *n = parse_or(p);
        if (!n) {
            node_free(all);
            return NULL;
        }
        node_add(all, n);
        skip_space(p);
    } while (take_keyword(p, "AND") || (*p->at && *p->at != ')'));
    return all;
}

struct logging_filter *logging_filter_parse(const char *text, struct error *err)
{
    struct logging_filter *f = NEW(struct logging_filter);
    struct parser p = {.text = text, .at = text, .err = err};
    skip_space(&p);
    if (strlen(text) > LOGGING_FILTER_MAX) {
        error_set(err, ERROR_INVALID_PARAMETER, "Unparseable filter: must be at most %d characters",
                  LOGGING_FILTER_MAX);
    } else if (!*p.at) {
        return f;
    } else {
        f->root = parse_and(&p);
        if (f->root && !*p.at)
            return f;
        if (f->root)
            bad(&p, "unexpected )");
    }
    logging_filter_free(f);
    return NULL;
}

void logging_filter_free(struct logging_filter *f)
{
    if (!f)
        return;
    node_free(f->root);
    free(f);
}
