/* SPDX-License-Identifier: Apache-2.0
 * The Logging query language ("Logging query language" in the documentation); see
 * logging_filter.h. A recursive descent parser into a tree of nodes. */
#include "test/sim/gcp/logging_filter.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/http/value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = 32, PATH_MAX_PARTS = 8 };

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_COMPARE };
enum compare { EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, HAS };

struct node {
    enum node_kind kind;
    struct node **children;
    size_t count;
    enum compare compare;
    struct strv path;
    char *value;
    int64_t time_ns; /* of a timestamp's comparison */
};

struct logging_filter {
    struct node *root; /* NULL: everything */
};

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

static bool is_time(const struct node *n)
{
    return n->path.count == 1 && (!strcmp(n->path.items[0], "timestamp") ||
                                  !strcmp(n->path.items[0], "receiveTimestamp"));
}

static struct node *comparison(struct parser *p, const struct strv *path, enum compare compare)
{
    struct node *n = node_new(NODE_COMPARE);
    for (size_t i = 0; i < path->count; i++)
        strv_push(&n->path, path->items[i]);
    n->compare = compare;
    n->value = take_text(p, true);
    if (!n->value || (is_time(n) && !timefmt_parse_rfc3339(n->value, &n->time_ns))) {
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

/* ---- evaluation ---- */

static int severity_rank(const char *name)
{
    static const char *const names[] = {"DEFAULT", "DEBUG",    "INFO",  "NOTICE",   "WARNING",
                                        "ERROR",   "CRITICAL", "ALERT", "EMERGENCY"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcasecmp(names[i], name))
            return (int)i;
    return 0;
}

/* The part of a log's name after /logs/, decoded as far as it is ever encoded. */
static bool log_id_is(const json_t *entry, const char *id)
{
    const char *name = strstr(value_string(entry, "logName"), "/logs/");
    const char *slash = strchr(id, '/');
    if (!name || !slash)
        return name && !strcmp(name + 6, id);
    AUTO_FREE char *encoded = xasprintf("%.*s%%2F%s", (int)(slash - id), id, slash + 1);
    return !strcmp(name + 6, encoded);
}

/* <0, 0, >0: the entry's value against the filter's. False: the entry has none. */
static bool compare_values(const struct node *n, const json_t *entry, int *order)
{
    const json_t *at = entry;
    int64_t ns;
    for (size_t i = 0; i < n->path.count; i++)
        at = json_object_get(at, n->path.items[i]);
    const char *text = json_string_value(at);
    if (n->path.count == 1 && !strcmp(n->path.items[0], "severity")) {
        *order = severity_rank(str_or_empty(text)) - severity_rank(n->value);
        return true;
    }
    if (json_is_number(at)) {
        double difference = json_number_value(at) - strtod(n->value, NULL);
        *order = difference < 0 ? -1 : difference > 0;
        return true;
    }
    if (!text)
        return false;
    if (is_time(n) && timefmt_parse_rfc3339(text, &ns))
        *order = ns < n->time_ns ? -1 : ns > n->time_ns;
    else if (n->compare == HAS)
        *order = strcasestr(text, n->value) ? 0 : 1;
    else if (n->compare == EQUAL || n->compare == NOT_EQUAL)
        *order = strcasecmp(text, n->value);
    else
        *order = strcmp(text, n->value);
    return true;
}

static bool compare_matches(const struct node *n, const json_t *entry)
{
    int order = 0;
    if (n->path.count == 1 && !strcmp(n->path.items[0], "log_id"))
        return log_id_is(entry, n->value);
    if (!compare_values(n, entry, &order))
        return n->compare == NOT_EQUAL;
    switch (n->compare) {
    case EQUAL:
    case HAS: return order == 0;
    case NOT_EQUAL: return order != 0;
    case LESS: return order < 0;
    case LESS_EQUAL: return order <= 0;
    case GREATER: return order > 0;
    case GREATER_EQUAL: return order >= 0;
    }
    return false;
}

static bool matches(const struct node *n, const json_t *entry)
{
    switch (n->kind) {
    case NODE_COMPARE: return compare_matches(n, entry);
    case NODE_NOT: return !matches(n->children[0], entry);
    case NODE_AND:
        for (size_t i = 0; i < n->count; i++)
            if (!matches(n->children[i], entry))
                return false;
        return true;
    case NODE_OR:
        for (size_t i = 0; i < n->count; i++)
            if (matches(n->children[i], entry))
                return true;
        return false;
    }
    return false;
}

bool logging_filter_matches(const struct logging_filter *f, const json_t *entry)
{
    return !f->root || matches(f->root, entry);
}

/* Of an AND the latest bound of its parts, of an OR the earliest. */
static int64_t since(const struct node *n)
{
    int64_t out = n->kind == NODE_OR ? INT64_MAX : INT64_MIN;
    if (n->kind == NODE_COMPARE)
        return is_time(n) && !strcmp(n->path.items[0], "timestamp") &&
                       (n->compare == GREATER || n->compare == GREATER_EQUAL || n->compare == EQUAL)
                   ? n->time_ns
                   : INT64_MIN;
    if (n->kind == NODE_NOT)
        return INT64_MIN;
    for (size_t i = 0; i < n->count; i++) {
        int64_t part = since(n->children[i]);
        if (n->kind == NODE_OR ? part < out : part > out)
            out = part;
    }
    return out;
}

int64_t logging_filter_since(const struct logging_filter *f)
{
    return f->root ? since(f->root) : INT64_MIN;
}
