#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Archives that must be refused: hostile.py FOLDER TAG writes all of them as FOLDER/CASE."""
import gzip
import hashlib
import io
import json
import struct
import sys
import tarfile

import mkimage

MEGABYTE = 1024 * 1024


def image(seed="hostile"):
    return mkimage.Image([mkimage.layer_of({f"{seed}-{i}": (b"x" * 3000, 0o644)}) for i in range(3)])


def good(tag, kind=mkimage.docker_archive):
    out = io.BytesIO()
    kind(out, image(), [tag])
    return out.getvalue()


def tar_of(entries):
    """entries: (name, bytes) or a TarInfo with bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in entries:
            if isinstance(name, tarfile.TarInfo):
                name.size = len(data)
                tar.addfile(name, io.BytesIO(data))
            else:
                mkimage.add_file(tar, name, data)
    return out.getvalue()


def docker_with(tag, config=None, layers=None, names=None, extra=(), manifest=None):
    """A docker archive with something replaced."""
    it = image()
    config = it.config if config is None else config
    layers = it.layers if layers is None else layers
    names = names or [f"layer{i}/layer.tar" for i in range(len(layers))]
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    if manifest is None:
        manifest = json.dumps([{"Config": config_name, "RepoTags": [tag], "Layers": names}]).encode()
    entries = list(zip(names, layers)) + [(config_name, config)] + list(extra)
    return tar_of(entries + [("manifest.json", manifest)])


def manifest_with(tag, **fields):
    entry = {"Config": "c.json", "RepoTags": [tag], "Layers": ["l0", "l1", "l2"]}
    entry.update(fields)
    it = image()
    return tar_of([("c.json", it.config)] + list(zip(["l0", "l1", "l2"], it.layers)) +
                  [("manifest.json", json.dumps([entry]).encode())])


def oci_with(index=None, blobs=(), layout=b'{"imageLayoutVersion":"1.0.0"}', names=None):
    entries = [("oci-layout", layout)] if layout else []
    for i, blob in enumerate(blobs):
        name = names[i] if names else hashlib.sha256(blob).hexdigest()
        entries.append(("blobs/sha256/" + name, blob))
    return tar_of(entries + [("index.json", json.dumps(index).encode())])


def descriptor(blob, media_type, **fields):
    return dict({"mediaType": media_type, "size": len(blob), "digest": mkimage.digest_of(blob)}, **fields)


def named(tag):
    return {"annotations": {"org.opencontainers.image.ref.name": tag}}


def oci_blob_forged(tag):
    """Every blob once with other content than its name says."""
    it = image()
    manifest, blobs = it.manifest(mkimage.OCI)
    names = [hashlib.sha256(x).hexdigest() for x in blobs + [it.config, manifest]]
    blobs[0] = gzip.compress(b"something else" * 500, mtime=0)
    return oci_with({"schemaVersion": 2, "manifests": [
        descriptor(manifest, mkimage.OCI["manifest"], **named(tag))]}, blobs + [it.config, manifest],
        names=names)


def oci_manifest_forged(tag):
    it = image()
    manifest, blobs = it.manifest(mkimage.OCI)
    names = [hashlib.sha256(x).hexdigest() for x in blobs + [it.config, manifest]]
    return oci_with({"schemaVersion": 2, "manifests": [
        descriptor(manifest, mkimage.OCI["manifest"], **named(tag))]},
        blobs + [it.config, manifest + b" "], names=names)


def oci_cycle(tag):
    """An index that names itself; its digest cannot be true, so nobody may follow it for ever."""
    name = "ab" * 32
    inner = json.dumps({"schemaVersion": 2, "mediaType": mkimage.OCI_INDEX, "manifests": [
        {"mediaType": mkimage.OCI_INDEX, "size": 10, "digest": "sha256:" + name}]}).encode()
    return oci_with({"schemaVersion": 2, "manifests": [
        {"mediaType": mkimage.OCI_INDEX, "size": len(inner), "digest": "sha256:" + name,
         **named(tag)}]}, [inner], names=[name])


def oci_deep(tag):
    """Indexes in indexes, 500 deep, all digests right."""
    blobs, inner = [], b"{}"
    media_type = mkimage.OCI["manifest"]
    for _ in range(500):
        body = json.dumps({"schemaVersion": 2, "mediaType": mkimage.OCI_INDEX,
                           "manifests": [descriptor(inner, media_type)]}).encode()
        blobs.append(body)
        inner, media_type = body, mkimage.OCI_INDEX
    return oci_with({"schemaVersion": 2, "manifests": [
        descriptor(inner, mkimage.OCI_INDEX, **named(tag))]}, blobs)


def linked(tag, target, kind=tarfile.SYMTYPE):
    """The layer's name is a link that leaves the archive."""
    it = image()
    info = tarfile.TarInfo("l0")
    info.type, info.linkname = kind, target
    config = it.config
    manifest = json.dumps([{"Config": "c.json", "RepoTags": [tag], "Layers": ["l0", "l1", "l2"]}])
    return tar_of([(info, b""), ("l1", it.layers[1]), ("l2", it.layers[2]), ("c.json", config),
                   ("manifest.json", manifest.encode())])


def entries_many(tag, count):
    """count empty files, and an image after them."""
    head = io.BytesIO()
    with tarfile.open(fileobj=head, mode="w") as tar:
        mkimage.add_file(tar, "x")
    header = head.getvalue()[:512]
    body = b"".join(header for _ in range(count))
    return body + good(tag)


def bomb(tag):
    """More than 1 GiB of zeros as one layer."""
    header = tarfile.TarInfo("layer/layer.tar")
    header.size = 1030 * MEGABYTE
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as z:
        z.write(header.tobuf())
        for _ in range(1030):
            z.write(bytes(MEGABYTE))
        z.write(good(tag))
    return out.getvalue()


def nested_gzip(tag):
    data = good(tag)
    for _ in range(20):
        data = gzip.compress(data, mtime=0)
    return data


def size_negative(tag):
    data = bytearray(good(tag))
    data[124:136] = b"\xff" * 12  # base-256, negative
    return bytes(data)


def size_huge(tag):
    data = bytearray(good(tag))
    data[124:136] = b"\x80" + b"\0" * 3 + struct.pack(">Q", 1 << 62)
    return bytes(data)


def config_of(**fields):
    it = image()
    return json.dumps(dict(it.document, **fields)).encode()


CASES = {
    "config-outside": lambda t: manifest_with(t, Config="../../../../etc/passwd"),
    "config-absolute": lambda t: manifest_with(t, Config="/etc/passwd"),
    "config-missing": lambda t: manifest_with(t, Config="none.json"),
    "layer-outside": lambda t: docker_with(t, names=["../l0", "l1", "l2"]),
    "layer-absolute": lambda t: docker_with(t, names=["/tmp/e2e-hostile", "l1", "l2"]),
    "layer-missing": lambda t: manifest_with(t, Layers=["l0", "l1", "l9"]),
    "layer-too-few": lambda t: manifest_with(t, Layers=["l0"]),
    "layer-order": lambda t: manifest_with(t, Layers=["l1", "l0", "l2"]),
    "layer-forged": lambda t: docker_with(t, layers=[mkimage.layer_of({"f": (b"no", 0o644)})] + image().layers[1:]),
    "link-outside": lambda t: linked(t, "../../../etc/passwd"),
    "link-absolute": lambda t: linked(t, "/etc/passwd"),
    "link-itself": lambda t: linked(t, "l0"),
    "hardlink-outside": lambda t: linked(t, "/etc/passwd", tarfile.LNKTYPE),
    "tag-bad": lambda t: docker_with("BAD/Name:" + "x" * 300),
    "tags-no-list": lambda t: manifest_with(t, RepoTags=5),
    "manifest-no-json": lambda t: docker_with(t, manifest=b"[{"),
    "manifest-deep": lambda t: docker_with(t, manifest=b"[" * 100000 + b"]" * 100000),
    "manifest-empty": lambda t: docker_with(t, manifest=b"[]"),
    "manifest-huge": lambda t: docker_with(t, manifest=b"[" + b" " * 20 * MEGABYTE + b"]"),
    "config-deep": lambda t: docker_with(t, config=b'{"a":' * 50000 + b"1" + b"}" * 50000),
    "config-no-json": lambda t: docker_with(t, config=b"\0\1\2"),
    "config-diff-ids-none": lambda t: docker_with(t, config=config_of(rootfs={})),
    "config-diff-ids-bad": lambda t: docker_with(t, config=config_of(
        rootfs={"type": "layers", "diff_ids": ["sha256:x", "../..", ""]})),
    "oci-blob-forged": oci_blob_forged,
    "oci-manifest-forged": oci_manifest_forged,
    "oci-cycle": oci_cycle,
    "oci-deep": oci_deep,
    "oci-digest-outside": lambda t: oci_with({"schemaVersion": 2, "manifests": [
        {"mediaType": mkimage.OCI["manifest"], "size": 2, "digest": "sha256:../../../../etc/passwd", **named(t)}]}),
    "oci-blob-missing": lambda t: oci_with({"schemaVersion": 2, "manifests": [
        descriptor(b"none", mkimage.OCI["manifest"], **named(t))]}),
    "oci-manifests-none": lambda t: oci_with({"schemaVersion": 2}),
    "entries-250000": lambda t: entries_many(t, 250000),
    "gzip-bomb": bomb,
    "gzip-nested": nested_gzip,
    "size-negative": size_negative,
    "size-huge": size_huge,
    "zeros": lambda t: bytes(MEGABYTE),
    "text": lambda t: b"this is not an archive\n" * 1000,
}


def cut(data, percent):
    """So much of what comes before a tar's padding."""
    return data[: len(data.rstrip(b"\0")) * percent // 100]


for place in (1, 5, 20, 50, 80, 95, 99):
    CASES[f"cut-docker-{place}"] = lambda t, p=place: cut(good(t), p)
    CASES[f"cut-oci-{place}"] = lambda t, p=place: cut(good(t, mkimage.oci_archive), p)
    CASES[f"cut-gzip-{place}"] = lambda t, p=place: cut(gzip.compress(good(t)), p)

if __name__ == "__main__":
    for case, make in CASES.items():
        with open(f"{sys.argv[1]}/{case}", "wb") as f:
            f.write(make(sys.argv[2]))
