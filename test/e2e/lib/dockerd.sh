# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The oracle: a real dockerd of our own, beside any other on the machine, with docker.io mirrored
# by the same registry that Sockerless uses. Works on the stack opened with stack_open (lib.sh).

# DOCKERD_STORAGE: vfs works everywhere; overlay2 is what people use.
# dockerd_start: no bridge, no iptables, no file outside STACK_DIR.
dockerd_start()
{
    mkdir -p "$STACK_DIR/dockerd"
    echo '{}' >"$STACK_DIR/dockerd/daemon.json"
    locked dockerd_spawn || return 1
    wait_ready dockerd docker_get /_ping
}

dockerd_spawn()
{
    dockerd_traces_note
    component_spawn dockerd dockerd --config-file "$STACK_DIR/dockerd/daemon.json" \
        --data-root "$STACK_DIR/dockerd/data" --exec-root "$STACK_DIR/dockerd/exec" \
        -p "$STACK_DIR/dockerd/dockerd.pid" -H "unix://$(stack_socket)" \
        --bridge=none --iptables=false --ip6tables=false \
        --storage-driver="${DOCKERD_STORAGE:-vfs}" --shutdown-timeout 3 \
        --registry-mirror "$(stack_registry_url)"
}

# Two things that dockerd changes outside its folders; it warns at every run without the first.
# Several run at once: the first notes how both were, the last to end puts them back.
DOCKERD_FORWARD=/proc/sys/net/ipv4/ip_forward
DOCKERD_KEY=/etc/docker/key.json
DOCKERD_TRACES=$STACK_LOCKS/dockerd

dockerd_traces_note()
{
    if ! dockerd_others; then
        rm -rf "$DOCKERD_TRACES"
        mkdir -p "$DOCKERD_TRACES"
        cat "$DOCKERD_FORWARD" >"$DOCKERD_TRACES/ip_forward"
        [[ -e $DOCKERD_KEY ]] || : >"$DOCKERD_TRACES/key_is_ours"
    fi
    printf '%s\n' "$STACK_DIR" >>"$DOCKERD_TRACES/stacks"
}

# dockerd_others: any other stack's dockerd that runs.
dockerd_others()
{
    local dir
    while read -r dir; do
        [[ $dir == "$STACK_DIR" ]] || ! STACK_DIR=$dir component_alive dockerd || return 0
    done < <(cat "$DOCKERD_TRACES/stacks" 2>/dev/null)
    return 1
}

dockerd_traces_remove()
{
    dockerd_others || [[ ! -s $DOCKERD_TRACES/ip_forward ]] || {
        cat "$DOCKERD_TRACES/ip_forward" >"$DOCKERD_FORWARD"
        [[ ! -e $DOCKERD_TRACES/key_is_ours ]] || rm -f "$DOCKERD_KEY"
        rm -rf "$DOCKERD_TRACES"
        return
    }
    sed -i "\\|^$STACK_DIR\$|d" "$DOCKERD_TRACES/stacks" 2>/dev/null || true
}

# dockerd_up NAME DIR: registry, images and daemon.
dockerd_up()
{
    stack_open "$@" || return 1
    component_alive registry || registry_start || return 1
    registry_images_push || return 1
    component_alive dockerd || dockerd_start
}

registry_images_push()
{
    local work=$STACK_DIR/rootfs
    [[ -z ${STACK_SEED:-} ]] || return 0
    [[ -d $work ]] || busybox_rootfs "$work"
    "$LOCAL_DIR/push-image.sh" --cmd sh "$(stack_registry_url)" "$work" \
        library/busybox:latest 1 >>"$STACK_DIR/images.log"
}

dockerd_down()
{
    component_stop dockerd 30
    component_stop registry
    locked dockerd_traces_remove
    # vfs leaves no mounts, a killed dockerd may.
    local mount
    while read -r mount; do
        umount -l "$mount"
    done < <(awk -v d="$STACK_DIR/dockerd/" 'index($2, d) == 1 { print $2 }' /proc/mounts | sort -r)
}
