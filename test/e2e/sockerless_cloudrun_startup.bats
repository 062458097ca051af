# SPDX-License-Identifier: Apache-2.0
# agent.injection_method=startup_command: the container's first command downloads the agent, with
# what the image has.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/cloud

# Debian's busybox, once started as a shell, runs its own wget and no other: the images here have
# this machine's programs.
setup_file()
{
    local root=$BATS_FILE_TMPDIR/root
    export BACKEND_ENV_BEFORE=$BACKEND_ENV
    programs_copy "$root" dash sha256sum chmod rm cat env sleep tail touch
    ln -s dash "$root/bin/sh"
    startup_image neither "$root"
    programs_copy "$root" curl
    startup_image curl "$root"
    programs_copy "$root" id
    startup_image user "$root" --user 1000
    programs_copy "$root" bash
    ln -sf bash "$root/bin/sh"
    startup_image bash "$root"
    ln -sf dash "$root/bin/sh"
    rm "$root/bin/curl" "$root/bin/bash"
    programs_copy "$root" wget
    startup_image wget "$root"
    rm "$root/bin/sha256sum"
    startup_image nosum "$root"
    backend_with "$(cloud_injection_env startup_command)"
}

teardown_file()
{
    backend_with ''
}

teardown()
{
    remove_everything
    sim DELETE faults >/dev/null
}

# startup_image TAG DIRECTORY [options of push-image.sh]
startup_image()
{
    test_image_push "${@:3}" --cmd sh "$REGISTRY_URL_HERE" "$2" "test/startup:$1"
    docker pull -q "test/startup:$1"
}

. "$BATS_TEST_DIRNAME/lib/images.sh"

# refused_start IMAGE TEXT: the start fails and says so; nothing stays in the cloud.
refused_start()
{
    run -125 docker run --name "$(name x)" "test/startup:$1" cat /etc/hostname
    contains "$output" "$2"
    equal "$(field "$(name x)" .State.Running)" false
    docker rm "$(name x)" >/dev/null
    cloud_settles_empty
}

@test "startup_command: with curl: output, code, input and words as they are" {
    run -7 docker run --rm -i test/startup:curl sh -c 'cat; echo "$1|$2|$3"; exit 7' sh "it's" 'a "b" $c' '*;&' <<<in
    equal "$output" "in"$'\n'"it's|a \"b\" \$c|*;&"
}

@test "startup_command: with wget" {
    run -3 docker run --rm test/startup:wget sh -c 'echo by wget; exit 3'
    equal "$output" "by wget"
}

# environment_as_given IMAGE: variables that shells and platforms have ideas of their own about.
environment_as_given()
{
    local given=('INPUT_WHO-TO-GREET=you' 'a.b=c=d' 'OPTIND=abc' 'IFS=xyz' '_=under' 'PWD=/nowhere' 'SHLVL=7'
        'CLOUD_RUN_JOB=mine' 'PATH=/nothing:/bin' 'http_proxy=http://127.0.0.1:9' 'PLAIN=two'$'\n''lines'
        'BASH_FUNC_curl%%=() { exit 9; }' 'ENV=/etc/passwd' 'EMPTY=' 'OLDPWD=/w' 'PS4=$(id)') one
    local options=()
    for one in "${given[@]}"; do options+=(-e "$one"); done
    docker run --rm "${options[@]}" --entrypoint /bin/cat "test/startup:$1" /proc/self/environ |
        tr '\n\0' '\1\n' | grep -v -e ^HOSTNAME= -e ^HOME= -e '^CLOUD_RUN_\(EXEC\|TASK\)' | sort >"$BATS_TEST_TMPDIR/got"
    printf '%s\0' "${given[@]}" | tr '\n\0' '\1\n' | sort | diff - "$BATS_TEST_TMPDIR/got"
}

@test "startup_command: the environment as it is, whatever the shell" {
    environment_as_given curl
    environment_as_given bash
    environment_as_given wget
}

@test "startup_command: exec, logs, stop" {
    docker run -d --name "$(name x)" test/startup:curl sh -c 'echo up; exec tail -f /dev/null' >/dev/null
    run -4 docker exec "$(name x)" sh -c 'echo inside; exit 4'
    equal "$output" inside
    docker stop -t 1 "$(name x)" >/dev/null
    equal "$(docker logs "$(name x)")" up
}

@test "startup_command: another checksum is refused" {
    backend_with "$(cloud_injection_env startup_command) SOCKERLESS_STAGING_REGISTRY= \
        SOCKERLESS_GCR_AGENT_SHA256=$(printf x | sha256sum | cut -d' ' -f1)"
    refused_start curl "SOCKERLESS_GCR_AGENT_SHA256"
    backend_with "$(cloud_injection_env startup_command)"
}

@test "startup_command: neither curl nor wget, no sha256sum: without a registry for layers a clear error" {
    backend_with "$(cloud_injection_env startup_command) SOCKERLESS_STAGING_REGISTRY="
    refused_start neither "neither curl nor wget"
    refused_start nosum "sha256sum"
    backend_with "$(cloud_injection_env startup_command)"
}

@test "startup_command: an image that lacks what it takes gets the agent as a layer, once" {
    run -5 docker run --rm test/startup:neither sh -c 'echo layered; exit 5'
    equal "$output" layered
    local failed
    failed=$(sim_count '.calls["run.jobs.run"]')
    docker run --rm test/startup:neither sh -c 'echo layered'
    equal "$(sim_count '.calls["run.jobs.run"]')" $((failed + 1))
}

@test "startup_command: another user than the image's" {
    equal "$(docker run --rm test/startup:user id -u)" 1000
    equal "$(docker run --rm --user 0 test/startup:user id -u)" 0
    equal "$(docker run --rm --user 77 test/startup:user id -u)" 77
}

@test "startup_command: a download that fails" {
    sim_fault '{"operation":"storage.objects.get","count":20,"kind":"access_denied"}'
    refused_start curl "could not be downloaded"
}
