#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A docker archive of SIZE megabytes to stdout, named TAG: half of its content random, half text.

  archive.py SIZE TAG [LAYERS]

Made on the fly, so that nothing of this size needs to lie anywhere; the same bytes every time.
"""
import hashlib
import io
import json
import random
import sys
import tarfile

MEGABYTE = 1024 * 1024


class Counter(io.RawIOBase):
    """Hashes and counts what is written, and hands it on."""

    def __init__(self, out):
        super().__init__()
        self.out, self.size, self.hash = out, 0, hashlib.sha256()

    def writable(self):
        return True

    def write(self, data):
        self.size += len(data)
        self.hash.update(data)
        if self.out:
            self.out.write(data)
        return len(data)


def text_of(source):
    words = [b"%x" % source.getrandbits(source.randrange(8, 64)) for _ in range(2000)]
    out = bytearray()
    while len(out) < MEGABYTE:
        out += b" ".join(source.choices(words, k=500)) + b"\n"
    return bytes(out[:MEGABYTE])


def pieces(seed, count):
    """Megabytes of one layer: random ones and text-like ones in turn."""
    source = random.Random(seed)
    texts = [text_of(source) for _ in range(4)]
    for i in range(count):
        yield source.randbytes(MEGABYTE) if i % 2 else texts[i // 2 % 4]


def layer_write(out, seed, count):
    counter = Counter(out)
    with tarfile.open(fileobj=counter, mode="w|") as tar:
        for i, data in enumerate(pieces(seed, count)):
            info = tarfile.TarInfo(f"data/{seed}/{i}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return counter


def main():
    size, tag = int(sys.argv[1]), sys.argv[2]
    layers = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    out = sys.stdout.buffer
    diff_ids, names = [], []
    for seed in range(layers):
        dry = layer_write(None, seed, size // layers)
        info = tarfile.TarInfo(f"layer-{seed}/layer.tar")
        info.size = dry.size
        out.write(info.tobuf())
        layer_write(out, seed, size // layers)
        out.write(b"\0" * (-dry.size % 512))
        diff_ids.append("sha256:" + dry.hash.hexdigest())
        names.append(info.name)
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "created": "2024-01-01T00:00:00Z",
        "config": {"Cmd": ["sh"]}, "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created_by": n} for n in names]}).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": [tag], "Layers": names}]).encode()
    for entry, data in ((name, config), ("manifest.json", manifest)):
        info = tarfile.TarInfo(entry)
        info.size = len(data)
        out.write(info.tobuf() + data + b"\0" * (-len(data) % 512))
    out.write(b"\0" * 10240)


main()
