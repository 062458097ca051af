# SPDX-License-Identifier: Apache-2.0
# Bad input: refused with Docker's error object, or accepted; never a crash, never a hang.

bats_require_minimum_version 1.5.0
load lib/common

@test "bad input: JSON bodies" { raw badinput json_bodies; }
@test "bad input: wrong types and sizes" { raw badinput types_and_sizes; }
@test "bad input: wrong types in what is only kept" { raw badinput members; }
@test "bad input: queries" { raw badinput queries; }
@test "bad input: what Docker's rules refuse, and in which order" { raw badinput rules; }
@test "bad input: what Docker's rules refuse of HostConfig" { raw badinput host_values; }
@test "bad input: platforms that are malformed or not the image's" { raw badinput platforms; }
@test "bad input: 10,000 environment variables" { raw badinput many_variables; }
@test "bad input: a command of 300 KB" { raw badinput long_command; }
@test "bad input: unknown containers" { raw badinput unknown_container; }
@test "bad input: unknown endpoints and versions" { raw badinput endpoints; }
@test "http: not HTTP at all" { raw badinput not_http; }
@test "http: heads without end" { raw badinput endless_head; }
@test "http: large heads, repeated lengths, line feeds alone" { raw badinput heads; }
@test "http: keep-alive after errors, pipelining" { raw badinput keep_alive; }
@test "http: Expect: 100-continue and chunked requests" { raw badinput expect_and_chunked; }
@test "http: clients that go away in the middle" { raw badinput leavers; }
