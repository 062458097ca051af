# SPDX-License-Identifier: Apache-2.0
"""Which jobs the words of the command line mean, how long each takes about."""
import fnmatch
import glob
import os
import re
import subprocess

from . import jobs, oracle

E2E = "test/e2e"
DURATIONS = "test/runner/durations"
UNKNOWN_S = 15
SECRETS = "z_sockerless_secrets"

# What each further cloud must show in `make test`; `core` goes both ways in .ci/run, which also runs all
# files of one cloud under ASan, and `own` on those that are neither that one nor the first.
SETS = {
    "smoke": ["run", "sockerless_{cloud}_cloud", "sockerless_{cloud}_edge"],
    "own": ["sockerless_{cloud}_*"],
    "core": ["run", "lifecycle", "exec", "streams", "logs", "load", "badinput"],
}


class Refused(Exception):
    """What was asked for cannot be."""


def clouds():
    found = glob.glob("deploy/local/cloud_*.sh")
    return sorted(re.search(r"cloud_(\w+)\.sh", path)[1] for path in found)


def only_direction(cloud):
    """Who dials where the other way is not possible; None: both are."""
    with open(f"deploy/local/cloud_{cloud}.sh", encoding="utf-8") as file:
        found = re.search(r"^CLOUD_AGENT=(\w+)$", file.read(), re.M)
    return found and found[1]


def jobs_of(args):
    """One job a unit pool or scenario file, longest first."""
    found = []
    for word in args.what:
        found += word_jobs(word, args)
    if not found and args.what != ["oracle"]:
        raise Refused(f"nothing to run for {' '.join(args.what)}")
    known = durations_read()
    for job in found:
        job.expected_s = known.get(job.name, UNKNOWN_S)
    return sorted(found, key=lambda job: -job.expected_s)


def word_jobs(word, args):
    san, _, rest = word.rpartition("/")
    group, _, names = rest.partition(":")
    san, names = san or "release", [name for name in names.split(",") if name]
    if not os.path.isdir(f"build/{san}"):
        raise Refused(f"build/{san} is missing: run make SAN={san} binaries unit-binaries")
    if group == "units":
        return [jobs.Units(san, unit_programs(san, names))]
    tags = tags_of(args)
    if group in ("oracle", "oracle-all"):
        files = scenario_files("dockerd", "ecs", "forward", names)
        return oracle_jobs(files if group == "oracle-all" or names else oracle.files_changed(files))
    cloud, _, direction = group.partition("-")
    if cloud not in clouds() or direction not in ("", "reverse"):
        raise Refused(f"{word}: there is no \"{group}\", only units, oracle, oracle-all, "
                      + ", ".join(f"{name}, {name}-reverse" for name in clouds()))
    agent = only_direction(cloud) or direction or "forward"
    files = [name for name in scenario_files("sockerless", cloud, agent, names) if tests_left(name, cloud, tags)]
    return [jobs.Scenarios(san, "sockerless", cloud, agent, companions(name), tags) for name in files]


def oracle_jobs(files):
    """dockerd is asked everything, however slow."""
    of_programs = oracle.versions()
    found = []
    for name in files:
        job = jobs.Scenarios("release", "dockerd", "ecs", "forward", [name], [])
        job.sum = oracle.sum_of(name, of_programs)
        found.append(job)
    return found


def tags_of(args):
    return [tag for tag in ("slow", "soak") if not getattr(args, tag)]


def unit_programs(san, names):
    """Of build/SAN/test/unit and its folders; NAME, a pattern, may leave out the folder or spell it
    with "_"."""
    top = f"build/{san}/test/unit"
    found = sorted(path for path in glob.glob(top + "/**", recursive=True)
                   if os.path.isfile(path) and os.access(path, os.X_OK) and unit_has_source(path))
    if not names:
        return found
    spelt = {path: (os.path.basename(path), path[len(top) + 1:], path[len(top) + 1:].replace("/", "_"))
             for path in found}
    chosen = [path for path in found
              if any(fnmatch.filter(spelt[path], name) for name in names)]
    if not chosen:
        raise Refused(f"there is no unit program {', '.join(names)} in {top}")
    return chosen


def unit_has_source(path):
    """What an earlier build left is not run. The sources may be in folders that the programs are not in."""
    name = os.path.basename(path)
    return bool(glob.glob(f"test/unit/**/{name}.c", recursive=True))


def patterns_of(name, cloud):
    found = SETS.get(name[1:], []) if name.startswith("@") else [name.removesuffix(".bats")]
    return [pattern.format(cloud=cloud) for pattern in found]


def scenario_files(target, cloud, agent, names):
    """The names of the files that fit the target, in order; all when none are named. A name is a file, a
    pattern or @SET; what "-" stands before is left out."""
    fitting = subprocess.run([f"{E2E}/run.sh", "--files", target], check=True, capture_output=True, text=True,
                             env=dict(os.environ, BACKEND=cloud, AGENT=agent)).stdout.split()
    if not names:
        return [name for name in fitting if name != SECRETS]
    chosen, left_out = [], set()
    for name in names:
        for pattern in patterns_of(name.removeprefix("-"), cloud):
            found = [f for f in fitting if fnmatch.fnmatchcase(f, pattern)]
            if name.startswith("-"):
                left_out.update(found)
            else:
                chosen += [f for f in found if f not in chosen]
    chosen = [f for f in chosen if f not in left_out]
    if not chosen:
        raise Refused(f"no scenario file for {', '.join(names)} with {target} {cloud} {agent}; there are: "
                      + " ".join(fitting))
    return chosen


def tests_left(name, cloud, left_out):
    """Whether a file has any test without those tags that E2E_FILTER takes."""
    with open(f"{E2E}/{name}.bats", encoding="utf-8") as file:
        tests = re.findall(r"^(?:# bats test_tags=(.*)\n)?@test \"(.*)\" \{", file.read(), re.M)
    unwanted = {f"not:{cloud}", *left_out}
    return any(unwanted.isdisjoint(tags.replace(" ", "").split(",")) and
               re.search(os.environ.get("E2E_FILTER", ""), title) for tags, title in tests)


def companions(name):
    """Where passwords and tokens are used, it is looked afterwards that none was written anywhere."""
    with open(f"{E2E}/{name}.bats", encoding="utf-8") as file:
        text = file.read()
    if name != SECRETS and re.search(r"load lib/registries|cloud_registry_host", text):
        return [name, SECRETS]
    return [name]


def durations_read():
    known = {}
    if os.path.exists(DURATIONS):
        with open(DURATIONS, encoding="utf-8") as file:
            for line in file:
                if not line.startswith("#"):
                    seconds, name = line.split(None, 1)
                    known[name.strip()] = int(seconds)
    return known


def durations_write(finished):
    """Keeps what is known of other jobs."""
    known = durations_read()
    known.update({job.name: max(1, round(job.took_s)) for job in finished})
    with open(DURATIONS, "w", encoding="utf-8") as file:
        file.write("# Seconds that each job took once, for the order and the estimate; test/run --record writes it.\n")
        for name, seconds in sorted(known.items()):
            file.write(f"{seconds} {name}\n")
