# SPDX-License-Identifier: Apache-2.0
#
# What no proper client sends. After every refusal the daemon must go on as before.
import os

from raw import check, equal, run_scenario

OURS = os.environ.get("TARGET") == "sockerless"
CREATE = "/containers/create"
NAME = "nope"


def refused(docker, method, target, body=None, statuses=(400, 404, 409, 413, 500), headers=None):
    """An error object with a text, and a daemon that still answers."""
    reply = docker.call(method, target, body, headers)
    check(reply.status in statuses, f"{method} {target} {body!r:.80}: {reply.status} {reply.body!r:.200}")
    check(reply.message(), f"{method} {target}: empty message")
    equal(docker.call("GET", "/_ping").body, b"OK", f"ping after {method} {target}")
    return reply


def json_bodies(docker):
    # dockerd 20.10 says 500 to broken JSON; we say 400 as newer ones do.
    statuses = (400,) if OURS else (400, 500)
    for body in (b"", b"{", b"[]", b'"text"', b"{}", b"null", b'{"Image":', b"\0\0", b"{" * 100000,
                 b"[" * 200000, b'{"Image":"busybox","Cmd":["true"]', b"\xff\xfe{}",
                 b'{"Image": "busybox", "Cmd": ["' + b"\\ud800" + b'}'):
        refused(docker, "POST", CREATE, body, statuses)
    for target in (f"/containers/{NAME}/exec", "/exec/nope/start"):
        refused(docker, "POST", target, b"{", (400, 404))
    refused(docker, "POST", CREATE, b'{"Image":"busybox"}', statuses, {"Content-Type": "text/plain"})


def types_and_sizes(docker):
    """Each must be refused or accepted as dockerd does: never worse than an error object."""
    for field, value in (("Cmd", 7), ("Cmd", [1, 2]), ("Cmd", {"a": 1}), ("Env", "A=1"),
                         ("Env", [1]), ("Image", 5), ("Labels", ["a"]), ("Labels", {"a": 1}),
                         ("Tty", "yes"), ("HostConfig", []), ("HostConfig", "x"),
                         ("ExposedPorts", ["80"]), ("StopTimeout", "soon"), ("Volumes", "v")):
        refused(docker, "POST", CREATE, {"Image": "busybox", "Cmd": ["true"], field: value},
                (400,) if OURS else (400, 500))
    for field, value in (("Memory", "64m"), ("Memory", 1.5), ("NanoCpus", [1]), ("Binds", 1),
                         ("Memory", 4096), ("Memory", 10 ** 30)):
        refused(docker, "POST", CREATE,
                {"Image": "busybox", "Cmd": ["true"], "HostConfig": {field: value}},
                (400,) if OURS else (400, 500))
    for field, value in (("Memory", -1), ("Memory", -9223372036854775808), ("NanoCpus", -5),
                         ("CpuShares", -1), ("PidsLimit", -7), ("ShmSize", -1)):
        tolerated(docker, {"Image": "busybox", "Cmd": ["true"], "HostConfig": {field: value}})
    for extra in ({"Cmd": "true"}, {"Entrypoint": "true"}, {"Unknown": {"x": [1]}},
                  {"cmd": ["true"]}, {"StopTimeout": -5}, {"Env": ["NOVALUE", "=x", ""]}):
        tolerated(docker, {"Image": "busybox", "Cmd": ["true"], **extra})


def members(docker):
    """What is only kept and shown is checked, too, and told in dockerd's words."""
    number, into = "number into Go struct field ", "json: cannot unmarshal "
    host = "HostConfig.HostConfig."
    for body, words in (
            ({"ExposedPorts": {"80/tcp": 5}}, number + "ContainerConfigWrapper.ExposedPorts of type struct {}"),
            ({"Volumes": {"/a": "x"}},
             "string into Go struct field ContainerConfigWrapper.Volumes of type struct {}"),
            ({"Healthcheck": {"Test": [1]}}, number + "HealthConfig.Healthcheck.Test of type string"),
            ({"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": 8080}]}}},
             number + "PortBinding.HostConfig.PortBindings.HostPort of type string"),
            ({"HostConfig": {"PortBindings": {"80/tcp": {}}}},
             f"object into Go struct field {host}PortBindings of type []nat.PortBinding"),
            ({"HostConfig": {"Sysctls": {"a": 1}}}, f"{number}{host}Sysctls of type string"),
            ({"HostConfig": {"GroupAdd": [1]}}, f"{number}{host}GroupAdd of type string"),
            ({"HostConfig": {"Devices": [{"PathOnHost": 1}]}},
             number + "DeviceMapping.HostConfig.Devices.PathOnHost of type string"),
            ({"HostConfig": {"LogConfig": {"Config": {"a": 1}}}},
             number + "LogConfig.HostConfig.LogConfig.Config of type string"),
            ({"HostConfig": {"Mounts": [{"Type": 1}]}}, number + "Mount.HostConfig.Mounts.Type of type mount.Type"),
            ({"HostConfig": {"Ulimits": [{"Soft": 1.5}]}},
             "number 1.5 into Go struct field Ulimit.HostConfig.Ulimits.Soft of type int64"),
            ({"HostConfig": {"BlkioWeight": 70000}},
             f"number 70000 into Go struct field {host}BlkioWeight of type uint16"),
            ({"HostConfig": {"CapAdd": [1]}}, f"array into Go struct field {host}CapAdd of type string"),
            ({"NetworkingConfig": {"EndpointsConfig": {"a": {"IPAMConfig": {"IPv4Address": 1}}}}},
             number + "EndpointIPAMConfig.NetworkingConfig.EndpointsConfig.IPAMConfig.IPv4Address of type string")):
        reply = refused(docker, "POST", CREATE, {"Image": "busybox", **body}, (400,) if OURS else (500,))
        equal(reply.message(), into + words, f"{body}")
    for body, words in (({"Cmd": "x"}, "string into Go struct field ExecConfig.Cmd of type []string"),
                        ({"Env": {}}, "object into Go struct field ExecConfig.Env of type []string"),
                        ([], "array into Go value of type types.ExecConfig")):
        reply = refused(docker, "POST", f"/containers/{NAME}/exec", body, (400,))
        equal(reply.message(), into + words, f"exec {body}")


def tolerated(docker, body):
    """201, or 4xx with a text. Gives the reply."""
    reply = docker.call("POST", CREATE, body)
    if reply.status == 201:
        docker.remove(reply.json()["Id"])
    else:
        check(400 <= reply.status < (500 if OURS else 501), f"{body!r:.200}: {reply.status} {reply.body!r:.200}")
        check(reply.message(), "empty message")
    equal(docker.call("GET", "/_ping").body, b"OK", "ping")
    return reply


def queries(docker):
    cid = docker.create(["true"])
    for method, target in (("GET", "/containers/json?limit=abc"),
                           ("GET", "/containers/json?filters=%7Bx"),
                           ("GET", "/containers/json?filters=%5B%5D"),
                           ("GET", "/containers/json?filters=%7B%22bogus%22%3A%5B%221%22%5D%7D"),
                           ("GET", "/images/json?filters=%7Bx"),
                           ("GET", "/containers/json?filters=%zz"),
                           ("POST", "/images/prune?filters=%7B%"),
                           ("GET", "/containers/json?all=1;limit=1"),
                           ("DELETE", f"/containers/{cid}%00x"),
                           ("GET", f"/containers/{cid}%00/json"),
                           ("DELETE", "/images/busybox%00x"),
                           ("POST", "/images/create?fromImage=busybox%00x"),
                           ("POST", f"/containers/{cid}/resize?h=-1&w=x"),
                           ("POST", f"/containers/{cid}/kill?signal=BOGUS"),
                           ("GET", f"/containers/{cid}/logs?stdout=1&since=yesterday"),
                           ("GET", f"/containers/{cid}/logs")):
        refused(docker, method, target)
    # Anything else than a number of lines means all of them.
    docker.ok("GET", f"/containers/{cid}/logs?stdout=1&tail=abc")
    docker.ok("GET", f"/containers/{cid}/json?size=banana&unknown=1")


def rules(docker):
    """dockerd's words for values that are of the right type; of two faults it names the first."""
    good, gone = {"Image": "busybox", "Cmd": ["true"]}, {"Image": "e2e-nope:1"}
    low, forever = {"Memory": 4096}, {"RestartPolicy": {"Name": "always"}}
    name_rule = "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
    no_config = "Config cannot be empty in order to create a container"
    memory = "Minimum memory limit allowed is 6MB"
    policy = "maximum retry count cannot be %s"
    period = "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"

    def told(method, target, body, status, message):
        reply = docker.call(method, target, body)
        equal((reply.status, reply.message()), (status, message), f"{method} {target} {body}")

    for body in ({}, {"Unknown": 1}, {"HostConfig": low}):
        told("POST", CREATE, body, 400, no_config)
    for name in ("a", "/", "/-a"):
        told("POST", f"{CREATE}?name={name}", good, 400, name_rule % name)
    told("POST", f"{CREATE}?name=a", gone, 404, "No such image: e2e-nope:1")
    told("POST", f"{CREATE}?name=a", {"Image": "busybox", "Entrypoint": [""]}, 400,
         "No command specified")
    for body in (good, gone):
        told("POST", f"{CREATE}?name=a", {**body, "HostConfig": low}, 400, memory)
    for host, message in (
            ({"Memory": -1}, memory),
            ({"CpuPeriod": -1}, period),
            ({"CpuQuota": 999}, "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
            ({"ShmSize": -1}, "SHM size can not be less than 0"),
            ({"AutoRemove": True, **low, **forever},
             "can't create 'AutoRemove' container with restart policy"),
            ({"RestartPolicy": {"Name": "bogus"}}, "invalid restart policy 'bogus'"),
            ({"RestartPolicy": {"Name": "always", "MaximumRetryCount": 3}},
             policy % "used with restart policy 'always'"),
            ({"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": -3}}, policy % "negative")):
        told("POST", CREATE, {**good, "HostConfig": host}, 400, message)
    told("POST", CREATE, {**gone, "StopSignal": "BOGUS", "HostConfig": low}, 400, "Invalid signal: BOGUS")
    told("POST", CREATE, {**good, "Healthcheck": {"Interval": 1}}, 400,
         "Interval in Healthcheck cannot be less than 1ms")
    for host, message in (
            ({"MemoryReservation": 1}, "Minimum memory reservation allowed is 6MB"),
            ({"MemorySwap": 1}, "You should always set the Memory limit when using Memoryswap limit, see usage"),
            ({"Memory": 2 ** 24, "MemorySwap": 1},
             "Minimum memoryswap limit should be larger than memory limit, see usage"),
            ({"MemorySwappiness": 101}, "Invalid value: 101, valid memory swappiness range is 0-100"),
            ({"OomScoreAdj": 2000}, "Invalid value 2000, range for oom score adj is [-1000, 1000]"),
            ({"NanoCPUs": 10 ** 9, "CpuQuota": 5000},
             "Conflicting options: Nano CPUs and CPU Quota cannot both be set"),
            ({"CgroupnsMode": "bogus"}, "invalid cgroup namespace mode: bogus"),
            ({"CapAdd": ["bogus"], **low}, 'invalid CapAdd: unknown capability: "CAP_BOGUS"')):
        told("POST", CREATE, {**good, "HostConfig": host}, 400, message)
    for query in ("link=1", "link=1&force=1&v=1"):
        cid = docker.create(["true"])
        told("DELETE", f"/containers/{cid}?{query}", None, 500,
             "Conflict, cannot remove the default link name of the container")
        docker.inspect(cid)
        told("DELETE", f"/containers/{NAME}?{query}", None, 404, "No such container: nope")
    told("GET", f"/containers/{NAME}/logs?stdout=1&since=yesterday", None, 404, "No such container: nope")
    if OURS:  # dockerd has refused it since 23.0
        told("POST", f"/containers/{cid}/wait?condition=bogus", None, 400, 'invalid condition: "bogus"')
    docker.ok("POST", f"/v1.29/containers/{cid}/wait?condition=bogus")
    running = docker.create(["sleep", "60"])
    docker.start(running)
    told("POST", f"/containers/{running}/exec", {"Cmd": ["true"], "DetachKeys": "zz"}, 500,
         "Invalid escape keys (zz) provided")
    for body in (b"null", {"Cmd": []}):
        told("POST", f"/containers/{NAME}/exec", body, 400, "No exec command specified")
    told("GET", f"/containers/{NAME}/logs", None, 400,
         "Bad parameters: you must choose at least one stream")
    for keys, status, message in (("zz", 400, "Invalid detach keys (zz) provided"),
                                  ("a,", 400, "Invalid detach keys (a,) provided"),
                                  ("DEL,ctrl-a", 404, "No such container: nope")):
        reply = docker.call("POST", f"/containers/{NAME}/attach?stream=1&stdout=1&detachKeys={keys}")
        equal((reply.status, reply.body.decode()), (status, message + "\r\n"), f"attach {keys}")
    told("DELETE", "/images/%20", None, 400, "image name cannot be blank")
    for query, message in (("fromImage=b&tag=!!", "invalid tag format"),
                           ("fromImage=b&tag=sha256:aa", "invalid tag format"),
                           ("fromImage=B&tag=!!",
                            "invalid reference format: repository name must be lowercase"),
                           ("fromImage=b::", "invalid reference format"),
                           ("fromImage=b&tag=!!&platform=a/b/c/d",
                            '"a/b/c/d": cannot parse platform specifier: invalid argument')):
        told("POST", f"/images/create?{query}", None, 400, message)


def host_values(docker):
    """HostConfig's members of the right type: dockerd's rules for what is mounted, published, shared …"""
    invalid, volume = "invalid volume specification: '%s'", 'invalid mount config for type "volume": '
    bind, tmpfs = 'invalid mount config for type "bind": ', 'invalid mount config for type "tmpfs": '
    absolute, root = "invalid mount path: '%s' mount path must be absolute", "invalid specification: destination can't be '/'"
    name = ('create %s: "%s" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" '
            'are allowed. If you intended to pass a host directory, use absolute path')
    both, gone, port = "Duplicate mount point: /b", "No such container: nope", 'invalid port specification: "%s"'
    not_shared = "conflicting options: %s and the network mode"
    for member, value, status, message in (
            ("Binds", ["/a:/b:bogus"], 500, "invalid mode: bogus"),
            ("Binds", ["/a:/b:ro,rw"], 500, "invalid mode: ro,rw"),
            ("Binds", ["/a:ro"], 500, invalid % "/a:ro"),
            ("Binds", ["/a:b"], 500, invalid % "/a:b" + ": " + bind + absolute % "b"),
            ("Binds", ["/a:/b/../."], 500, invalid % "/a:/b/../." + ": " + bind + root),
            ("Binds", ["/a:/b:nocopy"], 500, invalid % "/a:/b:nocopy" + ": " + bind
             + "field VolumeOptions must not be specified"),
            ("Binds", ["./x:/b"], 400, name % ("./x", "./x")),
            ("Binds", ["/a:/b", "/c:/b/"], 400, both),
            ("Mounts", [{"Type": "bogus", "Target": "/a"}], 400, 'invalid mount config for type "bogus": mount type unknown'),
            ("Mounts", [{"type": "tmpfs", "target": "/a", "source": "x"}], 400, tmpfs + "field Source must not be specified"),
            ("Mounts", [{"Type": "bind", "Source": "rel", "Target": "/a"}], 400, bind + absolute % "rel"),
            ("Mounts", [{"Type": "bind", "Target": "/a"}], 400, bind + "field Source must not be empty"),
            ("Mounts", [{"Type": "bind", "Source": "/", "Target": "/a", "BindOptions": {"Propagation": "no"}}], 400,
             bind + "invalid propagation mode: no"),
            ("Mounts", [{"Type": "volume", "Target": "/a", "ReadOnly": True}], 400,
             volume + "must not set ReadOnly mode when using anonymous volumes"),
            ("Mounts", [None], 400, 'invalid mount config for type "": field Target must not be empty'),
            ("Tmpfs", {"a": ""}, 400, absolute % "a"), ("Tmpfs", {"/x/..": ""}, 400, root),
            ("VolumesFrom", ["nope"], 400, gone),
            ("PidMode", "container:nope", 400, gone), ("IpcMode", "container:nope", 400, gone),
            ("Links", ["nope:x"], 400, "could not get container for nope: " + gone),
            ("ExtraHosts", ["bogus"], 400, 'bad format for add-host: "bogus"'),
            ("ExtraHosts", ["a:b"], 400, 'invalid IP address in add-host: "b"'),
            ("PortBindings", {"99999/tcp": [{}]}, 400, port % "99999"),
            ("PortBindings", {"80-90/tcp": [{}]}, 400, port % "80-90"),
            ("PortBindings", {"80/tcp": [{"HostPort": "x/udp"}]}, 400, port % "x/udp"),
            ("CpusetCpus", "0-,", 400, "Invalid value 0-, for cpuset cpus: invalid format: 0-,"),
            ("CpusetMems", "x", 400, "Invalid value x for cpuset mems: invalid format: x"),
            ("SecurityOpt", ["no-new-privileges=x"], 500, 'invalid --security-opt 2: "no-new-privileges=x"'),
            ("IOMaximumIOps", 5, 500, "Invalid QoS settings: linux does not support configuration of maximum IOPs"),
            ("Runtime", "bogus", 400, "Unknown runtime specified bogus"),
            ("NetworkMode", "container:", 400,
             "Invalid network mode: invalid container format container:<name|id>")):
        reply = docker.call("POST", CREATE, {"Image": "busybox", "HostConfig": {member: value}})
        equal((reply.status, reply.message()), (status, message), f"{member} {value}")
    for config, host, message in (
            ({"Hostname": "h"}, {"NetworkMode": "container:x"}, not_shared % "hostname"),
            ({}, {"NetworkMode": "container:x", "Dns": ["1.1.1.1"]}, not_shared % "dns"),
            ({"Hostname": "h"}, {"UTSMode": "host"}, "conflicting options: hostname and the UTS mode"),
            ({}, {"Tmpfs": {"/b": ""}, "Binds": ["/a:/b"]}, both)):
        reply = docker.call("POST", CREATE, {"Image": "busybox", **config, "HostConfig": host})
        equal((reply.status, reply.message()), (400, message), f"{config} {host}")
    host = {"Binds": ["/tmp:/b:ro,z,rshared,cached", "named:/c:nocopy", "/d", "/tmp:/e:"],
            "Mounts": [{"Type": "volume", "Source": "named", "Target": "/a", "ReadOnly": True}],
            "PortBindings": {"80/tcp": [{"HostPort": "70-80"}], "": [{}], "53/udp": None},
            "ExtraHosts": ["a:1.2.3.4", "b:host-gateway", "c:::1"],
            "SecurityOpt": ["seccomp=unconfined", "label:disable", "no-new-privileges"]}
    docker.remove(docker.create(["true"], HostConfig=host))


# A value for each member of HostConfig, and those of Config, that is only kept. Without a warning
# are what is honoured, and what does nothing in dockerd on Linux either.
IGNORED = {
    "CpuShares": 5, "CpuRealtimePeriod": 9, "CpuRealtimeRuntime": 5, "CpuPercent": 5, "CpusetCpus": "0",
    "CpusetMems": "0", "MemoryReservation": 2 ** 24, "MemorySwap": 2 ** 27, "MemorySwappiness": 5, "KernelMemory": 2 ** 24,
    "KernelMemoryTCP": 2 ** 24, "OomKillDisable": True, "OomScoreAdj": 5, "PidsLimit": 5,
    "Ulimits": [{"Name": "nofile", "Soft": 9, "Hard": 9}], "BlkioWeight": 50, "BlkioWeightDevice": [{"Path": "/d", "Weight": 50}],
    **{f"BlkioDevice{what}": [{"Path": "/d", "Rate": 5}] for what in ("ReadBps", "WriteBps", "ReadIOps", "WriteIOps")},
    "CgroupParent": "x", "Cgroup": "x", "CgroupnsMode": "host", "Devices": [{"PathOnHost": "/dev/null"}],
    "DeviceCgroupRules": ["c 1:1 r"], "DeviceRequests": [{"Count": 1}], "CapAdd": ["ALL"], "CapDrop": ["ALL"],
    "SecurityOpt": ["seccomp=unconfined"], "Sysctls": {"net.a": "1"}, "IpcMode": "host", "PidMode": "host", "UTSMode": "host",
    "UsernsMode": "host", "Runtime": "io.containerd.runc.v2", "StorageOpt": {"size": "1G"}, "Annotations": {"a": "b"},
    "Tmpfs": {"/t": ""}, "VolumeDriver": "local", "Dns": ["1.1.1.1"], "DnsOptions": ["a"], "DnsSearch": ["b"],
    "ExtraHosts": ["a:1.1.1.1"], "PortBindings": {"80/tcp": [{}]}, "PublishAllPorts": True, "ShmSize": 5, "NetworkMode": "host",
    "MaskedPaths": [], "ReadonlyPaths": ["/x"], "Binds": ["named:/bound"], "Mounts": [{"Type": "tmpfs", "Target": "/mounted"}],
    "Privileged": True, "RestartPolicy": {"Name": "always"}}
IGNORED_CONFIG = {"Domainname": "d", "MacAddress": "02:42:ac:11:00:02", "NetworkDisabled": True,
                  "Healthcheck": {"Test": ["CMD", "true"]}, "Volumes": {"/anonymous": {}}}
SAID_AS = {"Binds": "named:/bound", "Mounts": "/mounted", "Volumes": "/anonymous", "Privileged": "privileged mode",
           "RestartPolicy": "restart policies"}


def warnings(docker):
    """Whatever is accepted and not acted upon is named in a warning, once; nothing else is."""
    def told(config, host):
        body = {"Image": "busybox", "Cmd": ["true"], **config, "HostConfig": host}
        made = docker.ok("POST", CREATE, body, (201,)).json()
        docker.remove(made["Id"])
        return made["Warnings"]

    for table, in_host in ((IGNORED, True), (IGNORED_CONFIG, False)):
        for member, value in table.items():
            got = told({}, {member: value, **({"Memory": 2 ** 25} if member == "MemorySwap" else {})}) if in_host else told({member: value}, {})
            check(len(got) == 1 and SAID_AS.get(member, member) in got[0], f"{member}: {got}")
    everything = {k: v for k, v in IGNORED.items() if k != "UTSMode"}
    equal(len(told(IGNORED_CONFIG, {**everything, "NetworkMode": "none", "Memory": 2 ** 25})),
          len(IGNORED) + len(IGNORED_CONFIG) - 2, "warnings of all at once, the two lists of paths in one")
    normal = {"Memory": 2 ** 25, "MemorySwap": 2 ** 25, "NanoCpus": 10 ** 9, "GroupAdd": ["5"], "Init": True, "AutoRemove": True,
              "NetworkMode": "bridge", "IpcMode": "private", "CgroupnsMode": "private", "ShmSize": 2 ** 26, "PidsLimit": -1,
              "MemorySwappiness": -1, "Runtime": "runc", "ConsoleSize": [5, 5], "RestartPolicy": {"Name": "no"},
              "LogConfig": {"Type": "json-file"}, "CapAdd": [], "Dns": None, "Isolation": "default"}
    equal(told({"User": "5", "Hostname": "h", "StopTimeout": 5, "StopSignal": "9", "ExposedPorts": {"80/tcp": {}}, "Labels": {"a": "b"},
                "NetworkingConfig": {"EndpointsConfig": {"bridge": {}}}, "Healthcheck": {"Test": ["NONE"]}}, normal), [], "normal")
    got = told({"NetworkingConfig": {"EndpointsConfig": {"bridge": {"Aliases": ["a"]}}}}, {})
    check(len(got) == 1 and "EndpointsConfig" in got[0], f"{got}")


def platforms(docker):
    """create's platform is compared with the image's; a malformed one is refused everywhere."""
    component = 'platform specifier component must match "^[A-Za-z0-9_-]+$": invalid argument'
    for text, words in (("a/b/c/d", '"a/b/c/d": cannot parse platform specifier: invalid argument'),
                        ("bogus", '"bogus": unknown operating system or architecture: invalid argument'),
                        ("linux/", f'"" is an invalid component of "linux/": {component}'),
                        ("li%20nux", f'"li nux" is an invalid component of "li nux": {component}'),
                        ("%2a", '"*": wildcards not yet supported: invalid argument')):
        for target, body in ((f"{CREATE}?platform={text}", {"Image": "e2e-nope:1", "StopSignal": "X"}),
                             (f"/images/create?fromImage=busybox&tag=latest&platform={text}", None),
                             (f"/images/create?fromSrc=-&repo=nope&platform={text}", b"")):
            reply = docker.call("POST", target, body, None if body else {"Content-Type": "application/x-tar"})
            equal((reply.status, reply.message()), (400, words), target)
    for text, shown in (("linux/arm64", "linux/arm64"), ("aarch64", "linux/arm64"), ("linux/arm", "linux/arm"),
                        ("linux/arm/v7", "linux/arm/v7"), ("windows", "windows/amd64")):
        reply = docker.call("POST", f"{CREATE}?name=a&platform={text}", {"Image": "busybox"})
        equal((reply.status, reply.message()), (404, "image with reference busybox was found but does not match the "
              f"specified platform: wanted {shown}, actual: linux/amd64"), text)
    for version, text in (("", "linux/amd64"), ("", "x86_64"), ("", "linux/amd64/v2"), ("/v1.40", "linux/arm64")):
        cid = docker.ok("POST", f"{version}{CREATE}?platform={text}", {"Image": "busybox"}, (201,)).json()["Id"]
        docker.remove(cid)
    reply = docker.call("POST", "/images/create?fromSrc=-&repo=nope&platform=windows", b"",
                        {"Content-Type": "application/x-tar"})
    equal((reply.status, reply.message()), (400, "operating system is not supported"), "import for windows")


def many_variables(docker):
    env = [f"VARIABLE_{n}=value {n}" for n in range(10000)]
    reply = tolerated(docker, {"Image": "busybox", "Cmd": ["true"], "Env": env})
    check(reply.status in (201, 400), f"{reply.status}")


def long_command(docker):
    """300 KB in one word may be refused at create or at start, with a reason."""
    reply = docker.call("POST", CREATE, {"Image": "busybox", "Cmd": ["echo", "x" * 300000]})
    if reply.status == 201:
        cid = reply.json()["Id"]
        start = docker.call("POST", f"/containers/{cid}/start")
        if start.status != 204:
            check(start.status >= 400 and start.message(), f"start: {start.status}")
        docker.remove(cid)
    else:
        equal(reply.status, 400, "create")
    equal(docker.call("GET", "/_ping").body, b"OK", "ping")


def unknown_container(docker):
    for method, tail in (("GET", "json"), ("GET", "logs?stdout=1"), ("POST", "start"),
                         ("POST", "stop"), ("POST", "kill"), ("POST", "wait"), ("DELETE", ""),
                         ("POST", "attach?stream=1&stdout=1"), ("POST", "resize?h=1&w=1")):
        target = f"/containers/{NAME}/{tail}".rstrip("/")
        reply = docker.call(method, target)
        equal(reply.status, 404, f"{method} {target}")
        check(b"No such container: nope" in reply.body, f"{method} {target}: {reply.body!r}")
    exec_reply = docker.call("POST", f"/containers/{NAME}/exec", {"Cmd": ["true"]})
    equal((exec_reply.status, exec_reply.message()), (404, "No such container: nope"), "exec")


def endpoints(docker):
    for method, target in (("GET", "/nope"), ("POST", "/_ping/x"), ("PUT", "/containers/json"),
                           ("GET", "/v1.41/nope"), ("DELETE", "/version"), ("GET", "/vabc/info")):
        reply = docker.call(method, target)
        equal((reply.status, reply.message()), (404, "page not found"), f"{method} {target}")
    reply = docker.call("GET", "/v1.99/version")
    equal(reply.status, 400, "version too new")
    check("client version 1.99 is too new. Maximum supported API version is" in reply.message(),
          reply.message())
    reply = docker.call("GET", "/v1.10/version")
    equal(reply.status, 400, "version too old")
    check(b"client version 1.10 is too old. Minimum supported API version is" in reply.body,
          f"{reply.body!r}")
    for version in ("1.24", "1.41"):
        docker.ok("GET", f"/v{version}/containers/json")


def answer_or_end(docker, data, half_close=True):
    """Sends raw bytes; gives the first line of the answer, or b"" when the daemon just ended it."""
    connection = docker.connect()
    try:
        connection.send(data)
        if half_close:
            connection.half_close()
        return connection.rest().split(b"\r\n", 1)[0]
    except (BrokenPipeError, ConnectionResetError):
        return b""
    finally:
        connection.close()


def not_http(docker):
    for data in (b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"\r\n\r\n\r\n\r\n", b"\0" * 5000,
                 b"GET / HTTP/9.9\r\n\r\n", b"G" * 100000, b"GET /_ping HTTP/1.1\r\nbad header\r\n\r\n",
                 b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: -5\r\n\r\n",
                 b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 99999999999999999999\r\n\r\n",
                 b"POST /x HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
                 b"GET /%zz HTTP/1.1\r\nHost: d\r\n\r\n"):
        line = answer_or_end(docker, data)
        check(line == b"" or line.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505")), f"{data[:40]!r}: {line!r}")
        equal(docker.call("GET", "/_ping").body, b"OK", f"ping after {data[:40]!r}")


def endless_head(docker):
    """A head of megabytes is cut off, whatever the daemon says to it."""
    line = answer_or_end(docker, b"GET /_ping HTTP/1.1\r\nHost: d\r\n" + b"X-Long: y\r\n" * 400000, False)
    check(line == b"" or line.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")), f"{line!r}")
    equal(docker.call("GET", "/_ping").body, b"OK", "ping")


def heads(docker):
    """What Go's server takes: 1 MB of head, equal lengths twice, lines that end with a line feed."""
    body = b'{"Image":"e2e-nope:1"}'
    create = b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
    length = b"Content-Length: %d\r\n" % len(body)
    for data, want in (
            (b"GET /_ping HTTP/1.1\r\nHost: d\r\nX-Registry-Auth: " + b"y" * 1000000 + b"\r\n\r\n", b"200 OK"),
            (b"GET /_ping?a=" + b"y" * 1000000 + b" HTTP/1.1\r\nHost: d\r\n\r\n", b"200 OK"),
            (b"GET /_ping HTTP/1.1\r\nHost: d\r\n" + b"X-A: y\r\n" * 100000 + b"\r\n", b"200 OK"),
            (b"GET /_ping HTTP/1.1\nHost: d\n\n", b"200 OK"),
            (b"GET /_ping HTTP/1.1\nHost: d\r\nX: y\n\r\n", b"200 OK"),
            ((create + length).replace(b"\r\n", b"\n") + b"\n" + body, b"404 Not Found"),
            (create + length * 3 + b"\r\n" + body, b"404 Not Found"),
            (create + length + b"Content-Length: 5\r\n\r\n" + body, b"400 Bad Request"),
            (create + length[:-2] + b", 5\r\n\r\n" + body, b"400 Bad Request"),
            (create + b"X : y\r\n" + length + b"\r\n" + body, b"400 Bad Request"),
            (create + b"Host: d\r\n" + length + b"\r\n" + body, b"400 Bad Request"),
            (create + b"X Y: z\r\n" + length + b"\r\n" + body, b"400 Bad Request"),
            (create + b"Transfer-Encoding:\r\n" + length + b"\r\n" + body, b"501 Not Implemented"),
            *((b"GET /_ping HTTP/1.1\r\nHost:" + host + b"\r\n\r\n", want) for host, want in (
                (b" d\r\n folded", b"400 Bad Request"), (b" a b", b"400 Bad Request"),
                (b" /var/run/docker.sock", b"400 Bad Request"), (b" user@d", b"400 Bad Request"),
                (b" d\xff", b"400 Bad Request"), (b"", b"200 OK"), (b" [::1]:80 ", b"200 OK"),
                (b" %2Fvar%2Frun", b"200 OK"), (b" d\r\nX: a\r\n folded", b"200 OK"))),
            (create + b"Expect: something\r\n" + length + b"\r\n" + body, b"417 Expectation Failed")):
        line = answer_or_end(docker, data)
        check(line.startswith(b"HTTP/1.1 " + want), f"{data[:150]!r}: {line!r}")
    if OURS:  # Go takes these; a proxy in front may see another request
        for data in (create + length + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     create + b"Transfer-Encoding: chunked\r\n\r\n16\n" + body + b"\n0\n\n"):
            line = answer_or_end(docker, data)
            check(line.startswith(b"HTTP/1.1 400"), f"{data[-60:]!r}: {line!r}")


def keep_alive(docker):
    connection = docker.connect()
    for method, target, want in (("GET", "/containers/nope/json", 404), ("GET", "/nope", 404),
                                 ("POST", CREATE, (400, 500)), ("GET", "/_ping", 200),
                                 ("HEAD", "/_ping", 200), ("GET", "/_ping", 200)):
        connection.request(method, target, {} if method == "POST" else None)
        status, fields = connection.head()
        connection.body(status, fields, method)
        check(status in (want if isinstance(want, tuple) else (want,)), f"{target}: {status}")
    connection.send(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n" * 20)
    for _ in range(20):
        status, fields = connection.head()
        equal((status, connection.body(status, fields)), (200, b"OK"), "pipelined ping")
    connection.send(b"GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
    status, fields = connection.head()
    equal((status, connection.body(status, fields), connection.rest()), (200, b"OK", b""), "close")


def expect_and_chunked(docker):
    body = b'{"Image":"busybox","Cmd":["true"]}'
    connection = docker.connect()
    connection.send(b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
                    b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
    equal(connection.head()[0], 100, "interim answer")
    connection.send(body)
    status, fields = connection.head()
    reply = connection.body(status, fields)
    equal(status, 201, f"create after 100-continue: {reply!r}")
    connection.send(b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n")
    for byte in body:
        connection.send(b"1\r\n%c\r\n" % byte)
    connection.send(b"0\r\n\r\n")
    status, second_fields = connection.head()
    second = connection.body(status, second_fields)
    equal(status, 201, f"chunked create: {second!r}")
    import json
    for made in (reply, second):
        docker.remove(json.loads(made)["Id"])


def leavers(docker):
    """50 clients vanish at awkward moments; nothing is left open."""
    cid = docker.create(["sh", "-c", "sleep 300"])
    docker.start(cid)
    for target in ("/wait?condition=next-exit", "/attach?stream=1&stdout=1"):
        for _ in range(25):
            connection = docker.connect()
            connection.request("POST", f"/containers/{cid}{target}")
            connection.head()
            connection.close()
    for _ in range(25):
        connection = docker.connect()
        connection.send(b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 500\r\n\r\n{")
        connection.close()
    check(docker.inspect(cid)["State"]["Running"], "container ended")


SCENARIOS = (json_bodies, types_and_sizes, members, queries, rules, host_values, warnings, platforms, many_variables, long_command,
             unknown_container, endpoints, not_http, endless_head, heads, keep_alive,
             expect_and_chunked, leavers)

if __name__ == "__main__":
    run_scenario({scenario.__name__: scenario for scenario in SCENARIOS})
