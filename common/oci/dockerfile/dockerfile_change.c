/* SPDX-License-Identifier: Apache-2.0
 *
 * Dockerfile instructions, taken apart; see dockerfile_change.h. Lines are joined and comments
 * dropped here; how an instruction's rest is read depends on its kind.
 */
#include "oci/dockerfile/dockerfile_change.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/line_reader.h"
#include "oci/dockerfile/dockerfile_words.h"
#include "json/json_doc.h"

#include <string.h>
#include <strings.h>

static const char spaces[] = " \t\v\f\r"; /* within a line */

static int invalid(struct error *err, const char *text)
{
    return error_set(err, ERROR_INVALID_PARAMETER, "%s", text);
}

/* ---- how the rest of an instruction is read ---- */

typedef int (*parse_fn)(const char *rest, struct dockerfile_instruction *out, struct arena *arena,
                        struct error *err);

static int parse_string(const char *rest, struct dockerfile_instruction *out, struct arena *arena,
                        struct error *err)
{
    (void)arena;
    (void)err;
    if (*rest)
        strv_push(&out->args, rest);
    return 0;
}

static int parse_words(const char *rest, struct dockerfile_instruction *out, struct arena *arena,
                       struct error *err)
{
    (void)err;
    while (*rest) {
        size_t n = strcspn(rest, spaces);
        if (n)
            strv_push(&out->args, arena_strndup(arena, rest, n));
        rest += n;
        rest += strspn(rest, spaces);
    }
    return 0;
}

/* Length of the JSON array that text begins with, whatever follows it; 0 when it has no end. */
static size_t array_length(const char *text)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; text[i]; i++) {
        if (in_string && text[i] == '\\' && text[i + 1])
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (!in_string && text[i] == '[')
            depth++;
        else if (!in_string && text[i] == ']' && --depth == 0)
            return i + 1;
    }
    return 0;
}

/* 1: a list of strings, 0: something else that is taken as it is written. */
static int parse_json(const char *rest, struct dockerfile_instruction *out, struct arena *arena,
                      struct error *err)
{
    struct error ignored;
    size_t i, len = *rest == '[' ? array_length(rest) : 0;
    if (len == 0)
        return 0;
    const char *text = arena_printf(arena, "{\"list\":%.*s}", (int)len, rest);
    json_t *doc AUTO(json) = json_doc_load(text, strlen(text), &ignored);
    json_t *list = json_object_get(doc, "list"), *item;
    if (!json_is_array(list))
        return 0;
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item))
            return invalid(err, "when using JSON array syntax, arrays must be comprised of strings "
                                "only");
        strv_push(&out->args, json_string_value(item));
    }
    out->is_json = true;
    return 1;
}

static int parse_maybe_json(const char *rest, struct dockerfile_instruction *out,
                            struct arena *arena, struct error *err)
{
    int rc = parse_json(rest, out, arena, err);
    return rc ? (rc < 0 ? -1 : 0) : parse_string(rest, out, arena, err);
}

static int parse_maybe_json_list(const char *rest, struct dockerfile_instruction *out,
                                 struct arena *arena, struct error *err)
{
    int rc = parse_json(rest, out, arena, err);
    return rc ? (rc < 0 ? -1 : 0) : parse_words(rest, out, arena, err);
}

/* NAME=VALUE… or, the old way, NAME and the rest of the line; args: name, value, name, value… */
static int parse_name_values(const char *rest, struct dockerfile_instruction *out,
                             struct arena *arena, struct error *err)
{
    struct strv words AUTO(strv) = STRV_INIT;
    dockerfile_words_split(rest, &words);
    if (words.count == 0)
        return 0;
    if (!strchr(words.items[0], '=')) {
        size_t n = strcspn(rest, spaces);
        if (rest[n] == '\0')
            return error_set(err, ERROR_INVALID_PARAMETER, "%s must have two arguments",
                             strcmp(out->name, "env") == 0 ? "ENV" : "LABEL");
        strv_push(&out->args, arena_strndup(arena, rest, n));
        strv_push(&out->args, rest + n + strspn(rest + n, spaces));
        return 0;
    }
    for (size_t i = 0; i < words.count; i++) {
        const char *equals = strchr(words.items[i], '=');
        if (!equals)
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "Syntax error - can't find = in \"%.300s\". Must be of the form: "
                             "name=value",
                             words.items[i]);
        strv_push(&out->args,
                  arena_strndup(arena, words.items[i], (size_t)(equals - words.items[i])));
        strv_push(&out->args, equals + 1);
    }
    return 0;
}

static int parse_healthcheck(const char *rest, struct dockerfile_instruction *out,
                             struct arena *arena, struct error *err)
{
    size_t n = strcspn(rest, spaces);
    if (n == 0)
        return 0;
    strv_push(&out->args, arena_strndup(arena, rest, n));
    return parse_maybe_json(rest + n + strspn(rest + n, spaces), out, arena, err);
}

static const struct {
    const char *name;
    parse_fn parse;
} kinds[] = {
    {"cmd", parse_maybe_json}, {"entrypoint", parse_maybe_json},   {"env", parse_name_values},
    {"expose", parse_words},   {"healthcheck", parse_healthcheck}, {"label", parse_name_values},
    {"onbuild", parse_string}, {"volume", parse_maybe_json_list},
    /* the others: one string */
};

static int parse_line(char *line, struct dockerfile_instruction *out, struct arena *arena,
                      struct error *err)
{
    size_t end = strlen(line);
    while (end && dockerfile_is_space(line[end - 1]))
        line[--end] = '\0';
    size_t n = strcspn(line, spaces);
    char *name = arena_strndup(arena, line, n);
    for (char *p = name; *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
    *out = (struct dockerfile_instruction){.name = name};
    const char *rest = dockerfile_flags_split(line + n, &out->flags);
    parse_fn parse = parse_string;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            parse = kinds[i].parse;
    return parse(rest, out, arena, err);
}

/* ---- lines ---- */

static bool is_comment(const char *line)
{
    return line[strspn(line, spaces)] == '#';
}

/* A backslash at the end, and blanks after it: cut off. */
static bool continues(char *line)
{
    size_t end = strlen(line);
    while (end && (line[end - 1] == ' ' || line[end - 1] == '\t' || line[end - 1] == '\r'))
        end--;
    if (end == 0 || line[end - 1] != '\\')
        return false;
    line[end - 1] = '\0';
    return true;
}

/* The next instruction, joined from its lines, into `out`. */
static bool instruction_take(struct line_reader *lines, struct buf *out)
{
    char *line;
    buf_clear(out);
    while ((line = line_reader_next(lines))) {
        bool is_first = out->len == 0;
        if (is_comment(line))
            continue;
        if (is_first)
            line += strspn(line, spaces);
        else if (line[strspn(line, spaces)] == '\0')
            continue; /* an empty line within an instruction */
        bool more = continues(line);
        buf_puts(out, line);
        if (!more && out->len)
            return true;
    }
    return out->len > 0;
}

/* ---- all of them ---- */

struct instructions {
    struct dockerfile_instruction *items;
    size_t count;
};

static void instructions_free(struct instructions *all)
{
    for (size_t i = 0; i < all->count; i++) {
        strv_free(&all->items[i].flags);
        strv_free(&all->items[i].args);
    }
    free(all->items);
}

static int parse_all(char *text, struct instructions *out, struct arena *arena, struct error *err)
{
    struct line_reader lines = line_reader_of(text, strlen(text));
    struct buf line AUTO(buf) = BUF_INIT;
    size_t cap = 0;
    int rc = 0;
    while (rc == 0 && instruction_take(&lines, &line)) {
        if (out->count == cap) {
            cap = cap ? 2 * cap : 8;
            out->items = xrealloc(out->items, cap * sizeof *out->items);
        }
        rc = parse_line(line.data, &out->items[out->count++], arena, err);
    }
    if (rc == 0 && out->count == 0)
        return invalid(err, "file with no instructions");
    return rc;
}

static int apply_all(struct dockerfile_state *state, const struct instructions *all,
                     struct error *err)
{
    for (size_t i = 0; i < all->count; i++)
        if (!dockerfile_apply_find(all->items[i].name))
            return error_set(err, ERROR_INVALID_PARAMETER, "%.100s is not a valid change command",
                             all->items[i].name);
    for (size_t i = 0; i < all->count; i++)
        if (dockerfile_apply_find(all->items[i].name)(state, &all->items[i], err))
            return -1;
    return 0;
}

json_t *dockerfile_changes_apply(char *const *changes, size_t count, struct arena *arena,
                                 struct error *err)
{
    struct dockerfile_state state = {
        .config = json_object(),
        .scope = {.room = DOCKERFILE_EXPANDED_MAX, .arena = arena},
    };
    struct instructions all = {0};
    struct buf text AUTO(buf) = BUF_INIT;
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        buf_puts(&text, changes[i]);
        buf_putc(&text, '\n');
    }
    if (text.len > DOCKERFILE_CHANGES_MAX)
        rc = invalid(err, "changes too long");
    else if (count)
        rc = parse_all(dockerfile_text_clean(text.data, arena), &all, arena, err);
    if (rc == 0)
        rc = apply_all(&state, &all, err);
    instructions_free(&all);
    strv_free(&state.scope.env);
    if (rc) {
        json_decref(state.config);
        return NULL;
    }
    return state.config;
}
