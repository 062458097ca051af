# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The embedded local cloud as shell functions: a registry, a cloud's simulator, that cloud's backend
# and the frontend, each a daemon of its own with pid and log file in one folder. Used by up.sh and
# down.sh, by the end-to-end tests and by the benchmark. What differs between clouds is in
# cloud_BACKEND.sh; nothing else here knows one.
#
#   stack_open NAME RUN_DIR   name the stack and its folder; everything below works on it
#   stack_lock                one process at a time works on it
#   stack_up NAME RUN_DIR     start what is not running, wait until it answers
#   stack_down                end all of it, remove network namespaces and mounts
#   component_start|stop|kill|pid|alive NAME, backend_wait, frontend_wait: single components, NAME
#                             one of registry, sim, backend, frontend
#
# Knobs (environment): BACKEND (ecs, cloudrun, aca, gcf; else what the folder had last), AGENT (forward,
# reverse: who dials; a cloud where only one of them is possible has that one), INJECTION (how containers get the agent, in the backend's own words), BIN_DIR
# (build/release/bin), AGENT_BIN, SIM_FLAGS, BACKEND_ENV ("A=1 B=2"), FRONTEND_ENV, FRONTEND_FLAGS,
# STACK_TIMEOUT_S (60), REGISTRY_URL (use this registry instead of an own one), STACK_SEED (a folder
# whose `registry` is the content of a new registry, with all images).
#
# A pid file holds "PID STARTTIME": a recycled pid is never mistaken for ours. Functions that give
# words for a command line (flags, variables) print one per line, since a path may hold blanks.

LOCAL_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP_DIR=$(cd "$LOCAL_DIR/../.." && pwd)
# Daemons live in sbin, which an ordinary PATH lacks.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
STACK_COMPONENTS="registry sim backend frontend"
SOCKET_PATH_MAX=107
# All that is asked for by http is on this machine.
export no_proxy="${no_proxy:-${NO_PROXY:-}},127.0.0.1,localhost"

say()
{
    printf '%s: %s\n' "${STACK_NAME:-local}" "$*"
}

die()
{
    say "$*" >&2
    return 1
}

# become_root "$@": the calling script again, as root, unless we are. Containers, namespaces and a
# real dockerd need it.
become_root()
{
    [[ $(id -u) != 0 ]] || return 0
    command -v sudo >/dev/null || { die "needs root: there is no sudo here, run it as root"; exit 1; }
    say "needs root; going on with sudo"
    exec sudo --preserve-env=RUN_DIR,BIN_DIR,BACKEND,AGENT,INJECTION,SAN,CI,BENCH_ROUNDS,E2E_FILTER,E2E_LEAVE_OUT,CHAOS_SEED,CHAOS_SECONDS,CHAOS_OPERATIONS,JOURNAL "$0" "$@"
}

# ---- one process ------------------------------------------------------------------------------

# Field 22 of /proc/PID/stat; the command name before it may hold blanks.
process_start_time()
{
    local stat
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    # shellcheck disable=SC2086 # a list of words
    set -- ${stat##*) }
    # A zombie whose other threads still end keeps their sockets open.
    [[ $1 != Z || ${18} -gt 1 ]] || return 1
    printf '%s' "${20}"
}

component_pid()
{
    local pid start
    read -r pid start 2>/dev/null <"$STACK_DIR/$1.pid" || return 1
    [[ -n $start && $(process_start_time "$pid") == "$start" ]] || return 1
    printf '%s' "$pid"
}

component_alive()
{
    component_pid "$1" >/dev/null
}

# True when the running program is the one on disk (a rebuilt one is restarted) and what it is reached by
# is still there.
component_current()
{
    local exe
    exe=$(readlink "/proc/$(component_pid "$1")/exe") || return 1
    [[ $exe != *" (deleted)" ]] || return 1
    case $1 in
    sim) [[ -e /sys/class/net/$(stack_bridge) ]] ;;
    backend) [[ -S $STACK_BACKEND_SOCKET ]] ;;
    frontend) [[ -S $(stack_socket) ]] ;;
    esac
}

# component_spawn NAME COMMAND…: in a session of its own, without our descriptors (a test runner
# waits until its pipes are closed by everybody).
component_spawn()
{
    local name=$1
    shift
    component_note_death "$name"
    rm -f "$STACK_DIR/$name.pid"
    # shellcheck disable=SC2016 # expanded by the inner shell
    # Without --default-signal all below, containers too, would ignore SIGINT as background jobs do.
    # The pid file comes first: until it is there, the lock of stack_lock is held.
    setsid env --default-signal bash -c 'pidfile=$1; shift
        stat=$(</proc/$$/stat); set_() { start=${20}; }; set_ ${stat##*) }
        echo "$$ $start" >"$pidfile.new" && mv "$pidfile.new" "$pidfile"
        for fd in /proc/self/fd/*; do
            fd=${fd##*/}; [[ $fd -le 2 ]] || eval "exec $fd>&-"
        done
        exec "$@"' spawn "$STACK_DIR/$name.pid" "$@" >>"$STACK_DIR/$name.log" 2>&1 </dev/null &
    disown "$!" 2>/dev/null || true
    wait_until 10 test -s "$STACK_DIR/$name.pid" || die "$name: could not be started"
}

# Who was started and is gone without having been stopped or killed: stack_logs_clean tells.
component_note_death()
{
    [[ ! -e $STACK_DIR/$1.pid ]] || component_alive "$1" ||
        echo "$1 ended by itself" >>"$STACK_DIR/deaths"
}

component_signal()
{
    component_note_death "$1"
    local pid
    pid=$(component_pid "$1") || return 0
    kill "-$2" "$pid" 2>/dev/null || true
}

component_gone()
{
    ! component_alive "$1"
}

# component_stop NAME [SECONDS]: TERM, then KILL when it does not end in time.
component_stop()
{
    component_signal "$1" TERM
    if ! wait_until "${2:-20}" component_gone "$1"; then
        say "$1 ignores SIGTERM; killing it" >&2
        component_kill "$1"
        : >"$STACK_DIR/$1.killed"
    fi
    rm -f "$STACK_DIR/$1.pid"
}

component_kill()
{
    component_signal "$1" KILL
    wait_until 10 component_gone "$1" || die "$1 does not die"
    rm -f "$STACK_DIR/$1.pid"
}

# wait_until SECONDS COMMAND…: polls; bounded.
wait_until()
{
    local deadline=$((SECONDS + $1 + 1))
    shift
    until "$@"; do
        [[ $SECONDS -lt $deadline ]] || return 1
        sleep 0.03
    done
}

# wait_ready NAME COMMAND…: until COMMAND succeeds; fails at once when the component ends.
wait_ready()
{
    local name=$1 deadline=$((SECONDS + ${STACK_TIMEOUT_S:-60}))
    shift
    until "$@" >/dev/null 2>&1; do
        component_alive "$name" && [[ $SECONDS -lt $deadline ]] || {
            say "$name did not come up; the end of $STACK_DIR/$name.log:" >&2
            tail -n 20 "$STACK_DIR/$name.log" >&2
            return 1
        }
        sleep 0.03
    done
}

# ---- addresses --------------------------------------------------------------------------------

port_free()
{
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Ports and networks are chosen while other stacks start on this machine: each is noted in
# $STACK_LOCKS/reserved, with the file whose last line it will be. A note holds as long as that is so.
STACK_LOCKS=/run/sockerless-local

# locked COMMAND…: one at a time on this machine.
locked()
{
    mkdir -p -m 700 "$STACK_LOCKS" || return 1
    (
        flock -w 60 9 || { die "$STACK_LOCKS/lock is held by another process"; exit 1; }
        "$@"
    ) 9>"$STACK_LOCKS/lock"
}

# reserve WORD FILE: under the lock; false when WORD belongs to another file.
reserve()
{
    local word owner content kept=''
    while read -r word owner; do
        [[ $owner != "$2" ]] && IFS= read -r -d '' content 2>/dev/null <"$owner"
        [[ ${content:-} == *"$word"$'\n' ]] || continue
        [[ $word != "$1" ]] || return 1
        kept+="$word $owner"$'\n'
        content=
    done < <(cat "$STACK_LOCKS/reserved" 2>/dev/null)
    printf '%s%s %s\n' "$kept" "$1" "$2" >"$STACK_LOCKS/reserved"
}

# port_choose NAME: the remembered port of a component, else a free one below the ephemeral range.
port_choose()
{
    local file=$STACK_DIR/$1.port port
    if [[ -s $file ]] && port=$(<"$file") && port_free "$port"; then
        printf '%s' "$port"
        return
    fi
    locked port_choose_new "$file"
}

port_choose_new()
{
    local port
    for _ in {1..50}; do
        port=$((20000 + RANDOM % 12000))
        if port_free "$port" && reserve "$port" "$1"; then
            printf '%s\n' "$port" >"$1"
            printf '%s' "$port"
            return
        fi
    done
    die "no free port found"
}

stack_socket()
{
    printf '%s/docker.sock' "$STACK_DIR"
}

stack_registry_url()
{
    printf '%s' "${REGISTRY_URL:-http://127.0.0.1:$(<"$STACK_DIR/registry.port")}"
}

stack_sim_url()
{
    printf 'http://127.0.0.1:%s' "$(<"$STACK_DIR/sim.port")"
}

# stack_network: flags that keep this simulator's network apart from another stack's. Slot N is the
# N-th /22 of 198.18.0.0/16 (RFC 2544) and bridge sklN; a free one is chosen once, and again when
# another stack has taken it while this one did not run.
stack_network()
{
    local file=$STACK_DIR/network
    [[ -s $file ]] || locked stack_network_choose "$file" || return 1
    cat "$file"
}

stack_network_keep()
{
    local file=$STACK_DIR/network
    [[ ! -s $file ]] || locked reserve "$(stack_bridge)" "$file" || rm -f "$file"
}

stack_bridge()
{
    stack_network | sed -n 's/^--bridge-name //p'
}

stack_network_choose()
{
    local slot used first=$((RANDOM % 64)) turn
    used=$(ip -o -4 addr show 2>/dev/null)
    for turn in {0..63}; do
        slot=$(((first + turn) % 64))
        [[ $used != *" 198.18.$((slot * 4))."* ]] || continue
        reserve "skl$slot" "$1" || continue
        printf '%s\n' "--subnet 198.18.$((slot * 4)).0/22" "--bridge-name skl$slot" >"$1"
        return
    done
    die "all 64 networks of 198.18.0.0/16 are in use"
}

# The host, as containers see it: the first address of the network.
stack_gateway()
{
    stack_network | sed -n 's/^--subnet \([0-9.]*\)\.0\/.*/\1.1/p'
}

# ---- the components ---------------------------------------------------------------------------

# A double-quoted string of YAML.
yaml_string()
{
    local s=${1//\\/\\\\}
    printf '"%s"' "${s//\"/\\\"}"
}

registry_start()
{
    local port try
    for try in 1 2 3; do
        port=$(port_choose registry) || return 1
        registry_fill
        printf '%s\n' 'version: 0.1' 'log: {level: warn}' 'storage:' \
            "  filesystem: {rootdirectory: $(yaml_string "$STACK_DIR/state/registry")}" \
            '  delete: {enabled: true}' "http: {addr: \"127.0.0.1:$port\"}" \
            >"$STACK_DIR/registry.yml"
        component_spawn registry docker-registry serve "$STACK_DIR/registry.yml" || return 1
        wait_ready registry curl -fsS "http://127.0.0.1:$port/v2/" && return
        rm -f "$STACK_DIR/registry.port" # taken by somebody in between
    done
    return 1
}

registry_fill()
{
    [[ ! -d $STACK_DIR/state/registry ]] || return 0
    mkdir -p "$STACK_DIR/state"
    if [[ -n ${STACK_SEED:-} ]]; then
        cp -r "$STACK_SEED/registry" "$STACK_DIR/state/registry"
    else
        mkdir "$STACK_DIR/state/registry"
    fi
}

sim_start()
{
    local port try flags
    cloud_sim_prepare || return 1
    mapfile -t flags < <(cloud_sim_flags)
    stack_network_keep
    for try in 1 2 3; do
        port=$(port_choose sim) || return 1
        # shellcheck disable=SC2046,SC2086 # lists of words
        component_spawn sim "$BIN_DIR/$CLOUD_SIM" --listen "127.0.0.1:$port" \
            --state-dir "$STACK_SIM_STATE" --registry "docker.io=$(stack_registry_url)" \
            "${flags[@]}" $(stack_network) ${SIM_FLAGS:-} || return 1
        wait_ready sim curl -fsS "http://127.0.0.1:$port/_sim/resources" && return
        grep -qi 'in use' "$STACK_DIR/sim.log" || return 1
        rm -f "$STACK_DIR/sim.port"
    done
    return 1
}

# backend_callback_env: with AGENT=reverse, where agents dial the backend. Once chosen it stays, since
# they know no other place; somebody else's port at another address is no reason to leave it.
backend_callback_env()
{
    local port
    case ${AGENT:-forward} in
    forward) return ;;
    reverse) port=$(cat "$STACK_DIR/callback.port" 2>/dev/null) || port=$(port_choose callback) || return 1 ;;
    *) die "AGENT: \"$AGENT\" is none of forward, reverse"; return 1 ;;
    esac
    printf '%s\n' "SOCKERLESS_CALLBACK_URL=ws://$(stack_gateway):$port/" \
        "SOCKERLESS_CALLBACK_LISTEN=ws://$(stack_gateway):$port/"
}

# The simulated clouds have no request quotas and answer at once: no need to spare them.
backend_start()
{
    local registry callback settings
    registry=$(stack_registry_url)
    callback=$(backend_callback_env) || return 1
    mapfile -t settings < <(cloud_backend_env)
    # shellcheck disable=SC2086 # lists of words
    component_spawn backend env \
        SOCKERLESS_ENDPOINT_URL="$(stack_sim_url)" \
        SOCKERLESS_REGISTRY_ENDPOINTS="docker.io=$registry,$(cloud_registry_host)=$(stack_sim_url)" \
        SOCKERLESS_STAGING_REGISTRY="${registry#*://}/sockerless-staging" \
        SOCKERLESS_AGENT_BINARY="$(agent_binary)" \
        "${settings[@]}" $callback ${BACKEND_ENV:-} \
        "$BIN_DIR/sockerless-backend-$STACK_BACKEND" --listen "ipc://$STACK_BACKEND_SOCKET" \
        --state-dir "$STACK_STATE"
}

frontend_start()
{
    # shellcheck disable=SC2086 # lists of words
    component_spawn frontend env ${FRONTEND_ENV:-} "$BIN_DIR/sockerless-frontend" --listen "unix://$(stack_socket)" \
        --backend "ipc://$STACK_BACKEND_SOCKET" ${FRONTEND_FLAGS:-}
}

component_start()
{
    "$1_start"
}

docker_get()
{
    curl -fsS --max-time 20 --unix-socket "$(stack_socket)" "http://docker$1"
}

frontend_wait()
{
    wait_ready frontend docker_get /_ping
}

# The backend is seen through the frontend: /info goes all the way.
backend_wait()
{
    wait_ready backend docker_get /info
}

# ---- images -----------------------------------------------------------------------------------

# The linker-static agent; an instrumented one cannot run in a foreign image.
agent_binary()
{
    local candidate
    for candidate in "${AGENT_BIN:-}" "$BIN_DIR/sockerless-agent" \
        "$TOP_DIR/build/release/bin/sockerless-agent"; do
        [[ -x $candidate ]] || continue
        # A dynamic program names its loader.
        grep -qa '/lib64/ld-linux\|/lib/ld-linux' "$candidate" && continue
        printf '%s' "$candidate"
        return
    done
    die "no static sockerless-agent in $BIN_DIR: run make first"
}

busybox_rootfs()
{
    local -x BIN=$1/bin
    mkdir -p "$1"/{bin,dev,etc,proc,root,sys,tmp,var/run,home/app}
    cp "$(command -v busybox)" "$1/bin/busybox"
    # One process for the 270 links; perl-base is in every Debian. The name that is there, busybox, stays.
    "$1/bin/busybox" --list | perl -lne 'symlink("busybox", "$ENV{BIN}/$_") || $!{EEXIST} || die "$_: $!\n"'
    printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'daemon:x:1:1:daemon:/:/bin/false' \
        'app:x:1000:1000:app:/home/app:/bin/sh' 'nobody:x:65534:65534:nobody:/:/bin/false' \
        >"$1/etc/passwd"
    printf '%s\n' 'root:x:0:' 'daemon:x:1:' 'staff:x:50:app' 'app:x:1000:' 'nogroup:x:65534:' \
        >"$1/etc/group"
    chmod 1777 "$1/tmp"
    chmod 0777 "$1/home/app"
}

# images_push: what `docker run busybox` and the backend need.
images_push()
{
    local work agent status=0
    [[ -z ${STACK_SEED:-} ]] || return 0
    agent=$(agent_binary) || return 1
    work=$(stack_tmp) || return 1
    mkdir -p "$work/agent"
    busybox_rootfs "$work/busybox"
    cp "$agent" "$work/agent/sockerless-agent"
    TMPDIR=$work "$LOCAL_DIR/push-image.sh" --cmd sh "$(stack_registry_url)" "$work/busybox" \
        library/busybox:latest 1 >"$STACK_DIR/images.log" &&
        TMPDIR=$work "$LOCAL_DIR/push-image.sh" --entrypoint /sockerless-agent "$(stack_registry_url)" \
            "$work/agent" sockerless/agent:latest >>"$STACK_DIR/images.log" || status=1
    rm -rf "$work"
    [[ $status == 0 ]] || die "pushing images to $(stack_registry_url) failed"
}

# ---- the stack --------------------------------------------------------------------------------

# stack_backend_choose: BACKEND, else that of the last time, else ecs; its functions.
stack_backend_choose()
{
    STACK_BACKEND=${BACKEND:-$(cat "$STACK_DIR/backend" 2>/dev/null || echo ecs)}
    [[ $STACK_BACKEND =~ ^[a-z]+$ && -r $LOCAL_DIR/cloud_$STACK_BACKEND.sh ]] || {
        die "BACKEND: there is no \"$STACK_BACKEND\" here, only$(
            cd "$LOCAL_DIR" && printf '%s\n' cloud_*.sh | sed 's/cloud_\(.*\)\.sh/ \1/' | tr -d '\n')"
        return 1
    }
    unset CLOUD_AGENT
    # shellcheck source=cloud_ecs.sh
    . "$LOCAL_DIR/cloud_$STACK_BACKEND.sh"
    [[ -z ${CLOUD_AGENT:-} ]] || export AGENT=$CLOUD_AGENT
    STACK_STATE=$STACK_DIR/state/$STACK_BACKEND
    STACK_SIM_STATE=$STACK_DIR/state/sim-$STACK_BACKEND
    STACK_BACKEND_SOCKET=$STACK_DIR/backend-$STACK_BACKEND.sock
}

# stack_open NAME RUN_DIR: makes the folder unless it is there.
stack_open()
{
    stack_find "$@" || return 1
    local at=$STACK_DIR made=()
    until [[ -d $at ]]; do made+=("$at") at=$(dirname "$at"); done
    [[ ${#made[@]} == 0 ]] || { mkdir -p "$STACK_DIR" && own "${made[@]}" -maxdepth 0; }
}

# stack_find NAME RUN_DIR: the same, but makes nothing; false, with what to do, where RUN_DIR cannot be used.
stack_find()
{
    STACK_NAME=$1
    STACK_DIR=$(realpath -ms -- "$2")
    BIN_DIR=${BIN_DIR:-$TOP_DIR/build/release/bin}
    stack_backend_choose && stack_dir_check
}

stack_dir_check()
{
    local LC_ALL=C hint="set RUN_DIR to another folder, for example: make run RUN_DIR=/tmp/sockerless" at=$STACK_DIR
    [[ $STACK_DIR != *$'\n'* ]] || { die "there is a line break in the path $STACK_DIR; $hint"; return 1; }
    [[ ${#STACK_BACKEND_SOCKET} -le $SOCKET_PATH_MAX ]] || {
        die "the path $STACK_DIR is too long: $STACK_BACKEND_SOCKET is a unix socket and may have $SOCKET_PATH_MAX bytes; $hint"
        return 1
    }
    while [[ ! -e $at && ! -L $at && $at != / ]]; do at=$(dirname "$at"); done
    [[ -d $at ]] || { die "$at is not a folder; $hint"; return 1; }
    # Others than root will be root when they write.
    [[ -w $at ]] || [[ $(id -u) != 0 && ,$(findmnt -no OPTIONS -T "$at"), != *,ro,* ]] ||
        { die "$STACK_DIR is read-only; $hint"; return 1; }
}

# stack_lock: one `make run` or `make stop` at a time works on the folder; another one says so and waits.
stack_lock()
{
    exec {STACK_LOCK_FD}<>"$STACK_DIR/lock" || return 1
    if ! flock -n "$STACK_LOCK_FD"; then
        say "process $(<"$STACK_DIR/lock") starts or stops what is in $STACK_DIR; waiting until it has ended"
        flock -w 300 "$STACK_LOCK_FD" || { die "$STACK_DIR/lock is still held after 300 s"; return 1; }
    fi
    printf '%s' "$$" >"$STACK_DIR/lock"
}

# stack_strays: processes of this folder that have no pid file, since somebody has removed it.
stack_strays()
{
    local pid name words known=' '
    for name in $STACK_COMPONENTS; do known+="$(component_pid "$name") "; done
    # The paths of flags: --state-dir PATH, --listen unix://PATH, serve PATH.
    for pid in $(grep -lsF -- "$STACK_DIR/" /proc/[0-9]*/cmdline | cut -d/ -f3); do
        mapfile -d '' -t words 2>/dev/null <"/proc/$pid/cmdline" || continue
        [[ ${words[0]##*/} =~ ^(docker-registry|sockerless-(frontend|backend|sim)-?[a-z]*)$ && $known != *" $pid "* ]] || continue
        printf '%s\n' "$pid"
    done
}

# Frontends first, simulators after who speaks to them; each removes what it has made.
stack_strays_end()
{
    local pid
    for pid in $(stack_strays | sort -rn); do
        say "ending process $pid, which is left from a $STACK_DIR that was removed"
        kill "$pid" 2>/dev/null || continue
        wait_until 20 process_gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
    done
}

process_gone()
{
    ! process_start_time "$1" >/dev/null
}

# stack_tmp: a new folder that the next stack_up or stack_down removes, however this process ends.
stack_tmp()
{
    mkdir -p "$STACK_DIR/tmp" && mktemp -d "$STACK_DIR/tmp/XXXXXX"
}

# own PATH…: what root has made belongs to the user who has called sudo.
own()
{
    [[ $(id -u) != 0 || ! ${SUDO_UID:-} =~ ^[1-9][0-9]*$ || ! ${SUDO_GID:-} =~ ^[0-9]+$ ]] ||
        find "$@" -uid 0 -exec chown -h "$SUDO_UID:$SUDO_GID" {} +
}

# stack_own: the stack's own files only, whatever else is in the folder. Who owns all folders can remove
# all. Unpacked images keep their owners, which containers see; once nothing runs they are removed, and
# the simulator pulls them again.
stack_own()
{
    local name files=()
    for name in "$STACK_DIR"/{lock,kind,backend,network,deaths,tmp,state,docker.sock,registry.yml,sim.conf,images.log} \
        "$STACK_DIR"/{registry,sim,backend,frontend,callback}.{pid,port,log,killed} "$STACK_DIR"/backend-*.sock; do
        [[ ! -e $name ]] || files+=("$name")
    done
    [[ ${#files[@]} == 0 ]] || own "${files[@]}" -maxdepth 0
    [[ -n ${SUDO_UID:-} && -d $STACK_DIR/state ]] && component_gone sim || return 0
    rm -rf "$STACK_DIR"/state/sim-*/images
    own "$STACK_DIR/state" -type d
}

stack_components()
{
    local name
    for name in $STACK_COMPONENTS; do
        [[ $name == registry && -n ${REGISTRY_URL:-} ]] || printf '%s ' "$name"
    done
}

# A crashed or killed simulator leaves containers; it can clear away what its state names.
sim_cleanup()
{
    [[ -d $STACK_SIM_STATE && -s $STACK_DIR/network && -x $BIN_DIR/$CLOUD_SIM ]] || return 0
    # shellcheck disable=SC2046 # a list of words
    "$BIN_DIR/$CLOUD_SIM" --cleanup --state-dir "$STACK_SIM_STATE" $(stack_network) \
        >>"$STACK_DIR/sim.log" 2>&1 </dev/null || say "clearing after the simulator failed" >&2
}

# What must not go on when its base is gone: a restarted simulator knows no task of before.
stack_stop_outdated()
{
    local name restart=
    for name in $(stack_components); do
        if component_alive "$name" && component_current "$name" && [[ -z $restart ]]; then
            continue
        fi
        [[ $name == registry ]] || restart=1
        component_alive "$name" && say "restarting $name" && component_stop "$name"
        [[ $name != sim ]] || sim_cleanup
    done
    return 0
}

# What was asked for last time may be another cloud, or the other way to reach the agents.
stack_stop_other()
{
    local wanted="$STACK_BACKEND ${AGENT:-forward} ${INJECTION:-}" before
    before=$(cat "$STACK_DIR/kind" 2>/dev/null || echo "$wanted")
    if [[ ${before%% *} != "$STACK_BACKEND" ]]; then
        (BACKEND=${before%% *}; stack_backend_choose && stack_down)
    elif [[ $before != "$wanted" ]]; then
        component_stop backend
    fi
    printf '%s\n' "$wanted" >"$STACK_DIR/kind"
    printf '%s\n' "$STACK_BACKEND" >"$STACK_DIR/backend"
}

stack_up()
{
    stack_open "$@" || return 1
    rm -rf "$STACK_DIR/tmp"
    local name
    for name in "$CLOUD_SIM" "sockerless-backend-$STACK_BACKEND" sockerless-frontend; do
        [[ -x $BIN_DIR/$name ]] || { die "$BIN_DIR/$name is missing: run make first"; return 1; }
    done
    stack_stop_other || return 1
    stack_stop_outdated
    for name in registry sim backend frontend; do
        [[ " $(stack_components)" == *" $name "* ]] || continue
        component_alive "$name" || component_start "$name" || return 1
        [[ $name != registry ]] || images_push || return 1
    done
    [[ -z ${REGISTRY_URL:-} ]] || images_push || return 1
    frontend_wait && backend_wait
}

stack_down()
{
    local name
    for name in frontend backend sim; do
        component_stop "$name"
    done
    sim_cleanup
    [[ -n ${REGISTRY_URL:-} ]] || component_stop registry
    rm -f "$(stack_socket)" "$STACK_BACKEND_SOCKET"
    rm -rf "$STACK_DIR/tmp"
}

# Sanitizer reports and failed assertions in any log of the stack, and daemons that ended by
# themselves; prints them, false if any.
stack_logs_clean()
{
    [[ ! -e $STACK_DIR/deaths ]] || { cat "$STACK_DIR/deaths"; return 1; }
    ! grep -nE 'ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|Assertion .* failed' \
        "$STACK_DIR"/*.log
}
