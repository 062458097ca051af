# SPDX-License-Identifier: Apache-2.0
# Input that is unusual and right.

bats_require_minimum_version 1.5.0
load lib/common

@test "input: a label of 1 MB and 1,500 labels" { raw input large_labels; }
@test "input: filters: ids, Go's regular expressions, forms of the parameter" { raw input filters; }
@test "input: text that is not UTF-8, lone surrogates, NUL" { raw input odd_text; }
@test "input: a variable without a value is unset, in exec too" { raw input unset_variables; }
@test "input: the primary group is a supplementary group" { raw input groups; }
