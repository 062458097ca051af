#!/usr/bin/env bash
# Unit tests under valgrind; any error or definite leak fails. Programs that start real services or
# push megabytes through sockets are left to `make check-asan`.
set -euo pipefail
cd "$(dirname "$0")/.."
passed=0 failed=0
for program in build/valgrind/test/unit/*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    name=$(basename "$program")
    case $name in
    *_sessions | *_execs | *_sim | *_registry | loop_co | ipc_channel) continue ;;
    gcpsim_run) continue ;;
    agent_reverse | backend_intake) continue ;; # TLS in time, memory measured: not under valgrind
    sim_images) continue ;; # valgrind 3.19 does not know openat2(2)
    esac
    if valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite \
        --trace-children=no "$program" > "build/valgrind/$name.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        tail -n 40 "build/valgrind/$name.log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
