# SPDX-License-Identifier: Apache-2.0
# What the operator gives to the programs: command lines, settings, places to listen and to write.

bats_require_minimum_version 1.5.0
load lib/common
load lib/cloud

# walk COMPONENT|PROGRAM [FLAG…]: every setting of its table with wrong values.
walk()
{
    local what=$1
    [[ $what == /* ]] || what=$(component_pid "$1")
    "$PYTHON" "$E2E_DIR/lib/settings_walk.py" "$(mktemp -d "$BATS_TEST_TMPDIR/XXXX")" "$what" "${@:2}"
}

@test "settings: the frontend refuses what is wrong and says how to mend it" { walk frontend; }
# bats test_tags=smoke
@test "settings: the backend refuses what is wrong and says how to mend it" { walk backend; }
@test "settings: the agent refuses what is wrong and says how to mend it" {
    SOCKERLESS_AGENT_TOKEN=secret walk "$BIN_DIR/sockerless-agent" --container=x
}
# bats test_tags=smoke
@test "settings: the simulator refuses what is wrong and says how to mend it" {
    walk sim '--bridge-name=skw{}' '--subnet=198.19.{}.0/24'
}
