# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The images of the scenarios, pushed to the stack's registry as docker.io/test/…

test_image_push()
{
    "$LOCAL_DIR/push-image.sh" "$@" >>"$STACK_DIR/images.log"
}

# merge: every field that create merges. scratch: one static program and nothing else, not even
# /tmp or /etc/passwd. fixed: an entrypoint without Cmd. multi: a manifest list whose first entry
# is for another machine. tag pairs share their layers.
test_images_push()
{
    local registry work
    registry=$(stack_registry_url)
    work=$(mktemp -d)
    mkdir -p "$work/scratch"
    cp "$(command -v busybox)" "$work/scratch/echo"
    busybox_rootfs "$work/busybox"
    test_image_push --env FROM_IMAGE=1 --env BOTH=image --label from=image --label both=image \
        --entrypoint /bin/echo --entrypoint entry --cmd cmd1 --cmd cmd2 --workdir /home/app \
        --user app --stop-signal SIGUSR1 "$registry" "$work/busybox" test/merge:latest
    test_image_push --entrypoint /echo --entrypoint static "$registry" "$work/scratch" \
        test/scratch:latest
    test_image_push --foreign-first --cmd sh "$registry" "$work/busybox" test/multi:1
    test_image_push --cmd sh "$registry" "$work/busybox" library/plain:1
    rm -rf "$work"
}
