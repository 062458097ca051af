/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of a Kusto query: names, operators, numbers, timespans, and strings, whose escapes are
 * resolved here.
 */
#ifndef SOCKERLESS_SIM_AZURE_KQL_TOKEN_H
#define SOCKERLESS_SIM_AZURE_KQL_TOKEN_H

#include "test/sim/azure/kql.h"

enum kql_token_kind {
    KQL_TOKEN_END,
    KQL_TOKEN_NAME,   /* letters, digits, underscores; may end with '~' (in~) */
    KQL_TOKEN_STRING, /* text: heap, resolved */
    KQL_TOKEN_LONG,
    KQL_TOKEN_REAL,
    KQL_TOKEN_TIMESPAN, /* integer: ns */
    KQL_TOKEN_SIGN      /* | ( ) [ ] , ; = == != =~ !~ < <= > >= .. - and a name after '!' (!in) */
};

struct kql_token {
    enum kql_token_kind kind;
    const char *start; /* in the query */
    size_t len;
    int64_t integer;
    double real;
};

struct kql_lexer {
    const char *text, *at;
    struct kql_token token; /* the present one */
    char *string;           /* of a string token; owned by the lexer */
    size_t string_len;
    struct kql_problem *problem;
};

void kql_lexer_init(struct kql_lexer *l, const char *text, struct kql_problem *problem);
void kql_lexer_fini(struct kql_lexer *l);
/* False: the text has no token there; *problem is set. */
bool kql_lexer_next(struct kql_lexer *l);
/* Is it this name or sign? */
bool kql_token_is(const struct kql_token *token, const char *text);
/* What stands raw up to the next ')': the inside of datetime(…). The lexer is behind it then. */
bool kql_lexer_raw(struct kql_lexer *l, const char **start, size_t *len);
/* Sets *problem; false. */
bool kql_problem_at(struct kql_problem *problem, const char *text, const struct kql_token *at,
                    const char *code, const char *fmt, ...) PRINTF_LIKE(5, 6);

#endif
