# SPDX-License-Identifier: Apache-2.0
# docker save, load and import: archives of the daemon itself, of skopeo and of GitLab's runner.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images

teardown()
{
    images_forget
}

# archive_make FILE [options] TAG…: a docker archive; the description to $made.
archive_make()
{
    made=$(mkimage docker-archive "$@")
}

@test "load: a docker archive, twice, with a container of it" {
    local name file=$BATS_TEST_TMPDIR/a.tar
    name=$(repo loaded):1
    archive_make "$file" --busybox --seed load --cmd cat --cmd /seed-0 "$name"
    run -0 docker load -i "$file"
    equal "$output" "Loaded image: $name"
    equal "$(image_id "$name")" "$(made id)"
    equal "$(docker image inspect -f '{{json .RootFS.Layers}}' "$name")" "$(jq -c .diff_ids <<<"$made")"
    run -0 docker load -i "$file"
    equal "$output" "Loaded image: $name"
    run -0 docker run --rm "$name"
    equal "$output" "load 0"
}

@test "load: an archive without names is known by its id" {
    local file=$BATS_TEST_TMPDIR/a.tar
    archive_make "$file" --seed nameless
    run -0 docker load -i "$file"
    equal "$output" "Loaded image ID: $(made id)"
    equal "$(docker image inspect -f '{{json .RepoTags}}' "$(made id)")" "[]"
    docker tag "$(made id)" "$(repo named):1"
    equal "$(image_id "$(repo named):1")" "$(made id)"
}

@test "load: several names" {
    local file=$BATS_TEST_TMPDIR/a.tar
    archive_make "$file" --seed names "$(repo a):1" "$(repo b):2"
    run -0 docker load -i "$file"
    contains "$output" "Loaded image: $(repo a):1"
    contains "$output" "Loaded image: $(repo b):2"
    equal "$(image_id "$(repo b):2")" "$(made id)"
}

@test "load: a name that another image has moves" {
    local name file=$BATS_TEST_TMPDIR/a.tar old
    name=$(repo moved):1
    archive_make "$file" --seed one "$name"
    docker load -q -i "$file" >/dev/null
    old=$(made id)
    archive_make "$file" --seed two "$name"
    run -0 docker load -i "$file"
    contains "$output" "The image $name already exists, renaming the old one with ID $old to empty string"
    contains "$output" "Loaded image: $name"
    equal "$(image_id "$name")" "$(made id)"
    equal "$(docker image inspect -f '{{json .RepoTags}}' "$old")" "[]"
}

@test "load: gzip and xz" {
    local file=$BATS_TEST_TMPDIR/a.tar name
    name=$(repo packed)
    archive_make "$file" --seed gzip "$name:gzip"
    gzip "$file"
    run -0 docker load -i "$file.gz"
    equal "$output" "Loaded image: $name:gzip"
    archive_make "$file" --seed xz "$name:xz"
    xz "$file"
    run -0 docker load -i "$file.xz"
    equal "$output" "Loaded image: $name:xz"
    equal "$(image_id "$name:xz")" "$(made id)"
}

@test "load: what skopeo writes" {
    local file=$BATS_TEST_TMPDIR/a.tar name
    name=$(repo skopeo):1
    skopeo --insecure-policy copy -q --src-tls-verify=false \
        "docker://$REGISTRY_ADDRESS/test/merge:latest" "docker-archive:$file:$name"
    run -0 docker load -i "$file"
    equal "$output" "Loaded image: $name"
    equal "$(docker image inspect -f '{{json .Config.Entrypoint}}' "$name")" '["/bin/echo","entry"]'
    run -0 docker run --rm "$name" more
    equal "$output" "entry more"
}

@test "load: the stream of the API, quiet and not" {
    local file=$BATS_TEST_TMPDIR/a.tar name
    name=$(repo api):1
    archive_make "$file" --seed quiet --layers 2 "$name"
    run -0 api -X POST -H 'Content-Type: application/x-tar' -T "$file" 'http://docker/images/load?quiet=0'
    jq -es 'any(.[]; .status == "Loading layer" and .progressDetail.total > 0)' <<<"$output" >/dev/null
    equal "$(jq -rs '[.[].stream | select(.)][-1]' <<<"$output")" "Loaded image: $name"
    run -0 api -i -X POST -H 'Content-Type: application/x-tar' -T "$file" 'http://docker/images/load?quiet=1'
    contains "$output" "Content-Type: application/json"
    contains "$output" '{"stream":"Loaded image: '"$name"'\n"}'
}

# refused_load FILE: an error in the stream, and nothing is listed that was not.
refused_load()
{
    local before after
    before=$(docker images -aq --no-trunc | sort)
    run -0 api -X POST -H 'Content-Type: application/x-tar' -T "$1" 'http://docker/images/load?quiet=1'
    jq -es '.[-1] | .error == .errorDetail.message and (.error | length) > 0' <<<"$output" >/dev/null
    after=$(docker images -aq --no-trunc | sort)
    equal "$after" "$before"
}

@test "load: archives that are none" {
    local file=$BATS_TEST_TMPDIR/a.tar
    head -c 3000 /dev/urandom >"$file"
    refused_load "$file"
    : >"$file"
    refused_load "$file"
    tar -C "$E2E_DIR" -cf "$file" lib/common.bash
    refused_load "$file"
    archive_make "$file" --seed cut --layers 3 "$(repo cut):1"
    truncate -s $(($(stat -c %s "$file") * 2 / 5)) "$file"
    refused_load "$file"
    image_gone "$(repo cut):1"
}

@test "load: a layer that is not what its configuration says" {
    local file=$BATS_TEST_TMPDIR/a.tar
    archive_make "$file" --seed honest --layers 2 "$(repo forged):1"
    sed -i 's/honest 1/forged 1/' "$file"
    refused_load "$file"
    image_gone "$(repo forged):1"
}

@test "save and load: the same image again" {
    local name id file=$BATS_TEST_TMPDIR/a.tar
    name=$(repo saved)
    image_make "$name:1" --busybox --seed saved --layers 2 --cmd cat --cmd /seed-1
    id=$(made id)
    docker pull -q "$name:1" >/dev/null
    docker tag "$name:1" "$name:2"
    docker save -o "$file" "$name:1" "$name:2"
    tar -tf "$file" >"$BATS_TEST_TMPDIR/list"
    grep -qx manifest.json "$BATS_TEST_TMPDIR/list"
    equal "$(tar -xOf "$file" manifest.json | jq -c '[.[].RepoTags[]] | sort')" "[\"$name:1\",\"$name:2\"]"
    docker rmi "$name:1" "$name:2" >/dev/null
    run -0 docker load -i "$file"
    contains "$output" "Loaded image: $name:1"
    contains "$output" "Loaded image: $name:2"
    equal "$(image_id "$name:1")" "$id"
    run -0 docker run --rm "$name:1"
    contains "$output" "saved 1"
}

@test "save: several images in one archive, other tools can read it" {
    local file=$BATS_TEST_TMPDIR/a.tar
    docker pull -q plain:1 >/dev/null
    docker save -o "$file" busybox test/scratch
    run -0 skopeo --insecure-policy inspect --config "docker-archive:$file:test/scratch:latest"
    equal "$(jq -c .config.Entrypoint <<<"$output")" '["/echo","static"]'
    run -0 skopeo --insecure-policy copy -q "docker-archive:$file:docker.io/library/busybox:latest" \
        "oci:$BATS_TEST_TMPDIR/oci:latest"
}

@test "save: by id without a name, by repository, and what is not there" {
    local file=$BATS_TEST_TMPDIR/a.tar id
    id=$(image_id busybox)
    docker save -o "$file" "${id:7:12}"
    equal "$(tar -xOf "$file" manifest.json | jq -c '.[0].RepoTags')" null
    docker save -o "$file" busybox
    contains "$(tar -xOf "$file" manifest.json)" '"busybox:latest"'
    run -1 docker save -o "$BATS_TEST_TMPDIR/none.tar" "$(repo nope):1"
    contains "$output" "reference does not exist"
    api_call GET "/images/nope/get"
    equal "$status" 404
    contains "$output" "No such image: nope"
}

rootfs_tar()
{
    PYTHONPATH=$E2E_DIR/lib "$PYTHON" -c 'import mkimage, sys
sys.stdout.buffer.write(mkimage.layer_of(dict(mkimage.busybox_files(), word=(b"imported\n", 0o644))))' >"$1"
}

@test "import: a root file system with changes" {
    local name file=$BATS_TEST_TMPDIR/root.tar id
    name=$(repo imported)
    rootfs_tar "$file"
    run -0 docker import -c 'CMD ["cat","/word"]' -c 'ENV A=b' -c 'EXPOSE 80' -c 'WORKDIR /tmp' \
        -c 'LABEL l="a b"' -c 'USER root' -m 'a message' "$file" "$name:1"
    contains "$output" "sha256:"
    id=${lines[-1]}
    equal "$(image_id "$name:1")" "$id"
    equal "$(docker image inspect -f '{{json .Config.Cmd}}' "$id")" '["cat","/word"]'
    equal "$(docker image inspect -f '{{json .Config.Env}}' "$id")" '["A=b"]'
    equal "$(docker image inspect -f '{{json .Config.ExposedPorts}}' "$id")" '{"80/tcp":{}}'
    equal "$(docker image inspect -f '{{.Config.WorkingDir}} {{.Config.User}} {{.Config.Labels.l}}' "$id")" "/tmp root a b"
    equal "$(docker image inspect -f '{{.Comment}}' "$id")" "a message"
    equal "$(docker image inspect -f '{{index .RootFS.Layers 0}}' "$id")" "sha256:$(sha256sum <"$file" | cut -d' ' -f1)"
    run -0 docker history --format '{{.Comment}}' "$id"
    equal "$output" "a message"
    run -0 docker run --rm -e PATH=/bin "$name:1"
    equal "$output" imported
}

@test "import: from stdin, compressed, without a name" {
    local file=$BATS_TEST_TMPDIR/root.tar
    rootfs_tar "$file"
    run -0 docker import - <"$file"
    equal "$(docker image inspect -f '{{json .RepoTags}}' "$output")" "[]"
    gzip -k "$file"
    run -0 docker import - "$(repo imported):gz" <"$file.gz"
    equal "$(docker image inspect -f '{{index .RootFS.Layers 0}}' "$output")" "sha256:$(sha256sum <"$file" | cut -d' ' -f1)"
    equal "$(docker image inspect -f '{{.Comment}}' "$output")" "Imported from -"
}

@test "import: changes that are none, names that are none, tars that break off" {
    local file=$BATS_TEST_TMPDIR/root.tar
    rootfs_tar "$file"
    run -1 docker import -c 'RUN x' "$file" "$(repo bad):1"
    contains "$output" "run is not a valid change command"
    api_call POST '/images/create?fromSrc=-&repo=BAD' ''
    equal "$status" 400
    contains "$output" "invalid reference format: repository name must be lowercase"
    truncate -s 10000 "$file"
    run -1 docker import "$file" "$(repo bad):1"
    contains "$output" "unexpected EOF"
    run -1 docker import http://127.0.0.1:1/x.tar "$(repo bad):1"
    contains "$output" "refused"
    image_gone "$(repo bad):1"
}

# What GitLab's runner does with its helper image: inspect (404), load, tag by the id or name that
# the stream tells, inspect again, create.
@test "runner: inspect, load, tag, create" {
    local file=$BATS_TEST_TMPDIR/helper.tar helper loaded id
    helper=$(repo gitlab-runner-helper):x86_64-v1
    archive_make "$file" --busybox --seed helper --cmd cat --cmd /seed-0
    xz "$file"
    api_call GET "/images/$helper/json"
    equal "$status" 404
    run -0 api -X POST -H 'Content-Type: application/x-tar' -T "$file.xz" 'http://docker/images/load?quiet=1'
    loaded=$(jq -rs '.[-1].stream' <<<"$output")
    equal "$loaded" "Loaded image ID: $(made id)"
    api_call POST "/images/${loaded#Loaded image ID: }/tag?repo=${helper%:*}&tag=${helper##*:}"
    equal "$status" 201
    api_call GET "/images/$helper/json"
    equal "$status" 200
    id=$(jq -r .Id <<<"$output")
    contains "$(jq -c .Config.Env <<<"$output")" PATH=
    equal "$(jq -c .Config.Cmd <<<"$output")" '["cat","/seed-0"]'
    docker create --name "$(name c)" "$id" >/dev/null
    contains "$(field "$(name c)" .Config.Env)" PATH=
    run -0 docker start -a "$(name c)"
    equal "$output" "helper 0"
}
