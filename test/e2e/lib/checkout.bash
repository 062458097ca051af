# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For scenarios that use a checkout as people do, by make and by what the pages say.

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

# checkout_copy FOLDER: the sources as they are here, and the programs that are built from them. Goes there.
checkout_copy()
{
    local files=$BATS_FILE_TMPDIR/checkout
    if [[ ! -d $files ]]; then
        mkdir "$files"
        (cd "$TOP" && git ls-files -z -- Makefile proto common frontend agent 'backend-*' deploy \
            test/sim test/kit test/unit test/fuzz | tar -c --null -T - | tar -x -C "$files")
    fi
    mkdir -p "$1"
    cp -rlp "$files/." "$1" # links: what a page or make writes there is a new file
    ln -s "$TOP/build" "$1/build"
    cd "$1"
    # What the suite has set for its own stack, and what a make above has.
    unset DOCKER_HOST BACKEND AGENT INJECTION BACKEND_ENV FRONTEND_ENV FRONTEND_FLAGS SIM_FLAGS STACK_SEED REGISTRY_URL
    unset MAKEFLAGS MFLAGS MAKELEVEL
}
