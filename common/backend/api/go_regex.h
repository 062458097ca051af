/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions as Go's regexp package (RE2's syntax) has them: clients write filters for it.
 * An expression is checked with Go's rules and rewritten for PCRE2, which means something else by
 * many: `$`, `\s`, `\z`, `(?U)`, `[[:x:]]`, `\Q`. What only PCRE2 has (look-ahead, back references,
 * possessive repeats, verbs) is refused. Matching is by PCRE2's DFA, which does not backtrack.
 */
#ifndef SOCKERLESS_BACKEND_GO_REGEX_H
#define SOCKERLESS_BACKEND_GO_REGEX_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

struct go_regex;

enum { GO_REGEX_MAX = 4096 }; /* bytes of an expression */

/* NULL: ERROR_INVALID_PARAMETER with Go's words where Go refuses it, too; or it is longer than
 * GO_REGEX_MAX, or larger than PCRE2 can hold. */
struct go_regex *go_regex_new(const char *text, struct error *err) MUST_CHECK;
void go_regex_free(struct go_regex *re);
/* Is there a match anywhere in the text, which is UTF-8? */
bool go_regex_matches(const struct go_regex *re, const char *text);

/* The expression in PCRE2's syntax, for PCRE2_UTF without other options. */
int go_regex_translate(const char *text, struct buf *out, struct error *err) MUST_CHECK;

#endif
