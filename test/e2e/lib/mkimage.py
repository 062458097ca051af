#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Images for the scenarios, made without a daemon: pushed to a registry or packed as an archive.

  mkimage.py push URL REPO:TAG [options]          one image; prints its JSON description
  mkimage.py index URL REPO:TAG PLATFORM=REF...   an OCI index of images that are there already;
                                                  PLATFORM attestation: as BuildKit attaches them
  mkimage.py docker-archive FILE [options] TAG... as `docker save` of 20.10 writes it
  mkimage.py oci-archive FILE [options] TAG...    as `skopeo copy ... oci-archive:` writes it

Options: --seed WORD (content), --layers N, --platform OS/ARCH[/VARIANT], --busybox (so that it can
run), --oci (media types), --cmd WORD..., --label KEY=VALUE.
"""
import argparse
import gzip
import hashlib
import io
import json
import shutil
import sys
import tarfile
import urllib.error
import urllib.request

DOCKER = {
    "manifest": "application/vnd.docker.distribution.manifest.v2+json",
    "config": "application/vnd.docker.container.image.v1+json",
    "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
}
OCI = {
    "manifest": "application/vnd.oci.image.manifest.v1+json",
    "config": "application/vnd.oci.image.config.v1+json",
    "layer": "application/vnd.oci.image.layer.v1.tar+gzip",
}
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
CREATED = "2024-01-01T00:00:00Z"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def add_file(tar, name, data=b"", mode=0o644, **fields):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = mode
    for key, value in fields.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(data))


def layer_of(files):
    """A tar of {name: (bytes, mode) or "link target"}, the same bytes every time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, what in files.items():
            if isinstance(what, str):
                add_file(tar, name, type=tarfile.SYMTYPE, linkname=what)
            elif what is None:
                add_file(tar, name, mode=0o755, type=tarfile.DIRTYPE)
            else:
                add_file(tar, name, what[0], what[1])
    return out.getvalue()


def busybox_files():
    with open(shutil.which("busybox"), "rb") as f:
        program = f.read()
    files = {"bin": None, "bin/busybox": (program, 0o755), "etc": None, "proc": None, "sys": None,
             "dev": None, "tmp": None, "etc/passwd": (b"root:x:0:0:root:/:/bin/sh\n", 0o644)}
    for name in ("sh", "cat", "echo", "env", "ls", "sleep", "tail", "true", "id"):
        files["bin/" + name] = "busybox"
    return files


class Image:
    """Layers are uncompressed tars."""

    def __init__(self, layers, config=None, platform="linux/amd64", history=None):
        os_name, arch, *variant = platform.split("/")
        self.layers = layers
        self.document = {
            "architecture": arch, "os": os_name, "created": CREATED,
            "config": dict({"Env": [PATH], "Cmd": ["sh"]}, **(config or {})),
            "rootfs": {"type": "layers", "diff_ids": [digest_of(x) for x in layers]},
            "history": history if history is not None else
                [{"created": CREATED, "created_by": f"ADD layer {i}"} for i in range(len(layers))] +
                [{"created": CREATED, "created_by": 'CMD ["sh"]', "empty_layer": True}],
        }
        if variant:
            self.document["variant"] = variant[0]

    @property
    def config(self):
        return json.dumps(self.document, separators=(",", ":")).encode()

    def manifest(self, types):
        blobs = [gzip.compress(x, 6, mtime=0) for x in self.layers]
        body = {
            "schemaVersion": 2, "mediaType": types["manifest"],
            "config": {"mediaType": types["config"], "size": len(self.config),
                       "digest": digest_of(self.config)},
            "layers": [{"mediaType": types["layer"], "size": len(x), "digest": digest_of(x)}
                       for x in blobs],
        }
        return json.dumps(body, separators=(",", ":")).encode(), blobs


# ---- registry ----------------------------------------------------------------------------------

def request(method, url, data=None, headers=None):
    call = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    with urllib.request.urlopen(call, timeout=60) as answer:
        return answer.headers, answer.read()


def blob_push(base, repo, data):
    digest = digest_of(data)
    try:
        request("HEAD", f"{base}/v2/{repo}/blobs/{digest}")
        return
    except urllib.error.HTTPError:
        pass
    headers, _ = request("POST", f"{base}/v2/{repo}/blobs/uploads/", b"")
    url = headers["Location"]
    url = url if url.startswith("http") else base + url
    url += ("&" if "?" in url else "?") + "digest=" + digest
    request("PUT", url, data, {"Content-Type": "application/octet-stream"})


def manifest_push(base, repo, reference, body, media_type):
    request("PUT", f"{base}/v2/{repo}/manifests/{reference}", body, {"Content-Type": media_type})


def image_push(base, name, image, types):
    repo, tag = name.rsplit(":", 1)
    manifest, blobs = image.manifest(types)
    for blob in blobs + [image.config]:
        blob_push(base, repo, blob)
    manifest_push(base, repo, tag, manifest, types["manifest"])
    return {"id": digest_of(image.config), "digest": digest_of(manifest), "size": len(manifest),
            "layers": [digest_of(x) for x in blobs],
            "diff_ids": image.document["rootfs"]["diff_ids"]}


def index_push(base, name, entries):
    """entries: "linux/arm/v7=REFERENCE"; attestation=REFERENCE belongs to the image before it."""
    repo, tag = name.rsplit(":", 1)
    manifests = []
    for entry in entries:
        platform, reference = entry.split("=", 1)
        headers, body = request("GET", f"{base}/v2/{repo}/manifests/{reference}", headers={
            "Accept": ", ".join((DOCKER["manifest"], OCI["manifest"], OCI_INDEX))})
        item = {"mediaType": headers["Content-Type"], "digest": digest_of(body), "size": len(body)}
        if platform == "attestation":
            item["platform"] = {"os": "unknown", "architecture": "unknown"}
            item["annotations"] = {"vnd.docker.reference.type": "attestation-manifest",
                                   "vnd.docker.reference.digest": manifests[-1]["digest"]
                                   if manifests else digest_of(body)}
        else:
            words = platform.split("/")
            item["platform"] = dict(zip(("os", "architecture", "variant"), words))
        manifests.append(item)
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).encode()
    manifest_push(base, repo, tag, body, OCI_INDEX)
    return {"digest": digest_of(body), "size": len(body)}


# ---- archives ----------------------------------------------------------------------------------

def docker_archive(out, image, tags):
    """Layers as LAYERID/layer.tar, as docker 20.10 has it."""
    with tarfile.open(fileobj=out, mode="w") as tar:
        config = hashlib.sha256(image.config).hexdigest() + ".json"
        names = []
        for layer in image.layers:
            name = hashlib.sha256(b"id" + layer).hexdigest()
            add_file(tar, name, mode=0o755, type=tarfile.DIRTYPE)
            add_file(tar, name + "/VERSION", b"1.0")
            add_file(tar, name + "/json", b"{}")
            add_file(tar, name + "/layer.tar", layer)
            names.append(name + "/layer.tar")
        add_file(tar, config, image.config)
        manifest = [{"Config": config, "RepoTags": tags or None, "Layers": names}]
        add_file(tar, "manifest.json", json.dumps(manifest).encode())


def oci_archive(out, image, tags):
    manifest, blobs = image.manifest(OCI)
    with tarfile.open(fileobj=out, mode="w") as tar:
        add_file(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        for blob in blobs + [image.config, manifest]:
            add_file(tar, "blobs/sha256/" + hashlib.sha256(blob).hexdigest(), blob)
        entry = {"mediaType": OCI["manifest"], "digest": digest_of(manifest), "size": len(manifest)}
        entries = [dict(entry, annotations={"org.opencontainers.image.ref.name": t}) for t in tags]
        index = {"schemaVersion": 2, "manifests": entries or [entry]}
        add_file(tar, "index.json", json.dumps(index).encode())


# ---- command line ------------------------------------------------------------------------------

def image_from(options):
    layers = []
    if options.busybox:
        layers.append(layer_of(busybox_files()))
    for i in range(options.layers):
        text = f"{options.seed} {i}\n".encode() * (i + 1)
        layers.append(layer_of({f"seed-{i}": (text, 0o644)}))
    config = {}
    if options.cmd:
        config["Cmd"] = options.cmd
    if options.label:
        config["Labels"] = dict(x.split("=", 1) for x in options.label)
    if not options.busybox and not options.layers:
        sys.exit("an image without layers")
    return Image(layers, config, options.platform)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["push", "index", "docker-archive", "oci-archive"])
    parser.add_argument("target")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seed", default="seed")
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--platform", default="linux/amd64")
    parser.add_argument("--busybox", action="store_true")
    parser.add_argument("--oci", action="store_true")
    parser.add_argument("--cmd", action="append")
    parser.add_argument("--label", action="append")
    options = parser.parse_intermixed_args()
    if options.what == "push":
        types = OCI if options.oci else DOCKER
        done = image_push(options.target, options.names[0], image_from(options), types)
    elif options.what == "index":
        done = index_push(options.target, options.names[0], options.names[1:])
    else:
        image = image_from(options)
        write = docker_archive if options.what == "docker-archive" else oci_archive
        with open(options.target, "wb") as out:
            write(out, image, options.names)
        done = {"id": digest_of(image.config), "diff_ids": image.document["rootfs"]["diff_ids"]}
    json.dump(done, sys.stdout)
    print()


if __name__ == "__main__":
    main()
