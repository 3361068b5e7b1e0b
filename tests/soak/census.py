"""What a running engine has on its host, counted by kind, and the memory of its processes.

Pids and other numbers do not count: a container may be replaced by its like. Other engines of the
machine do not either: a process is ours by its place in the tree or by its uid, everything else by
the instance's name or the engine's directory.
"""

import os
import re
import time
from collections import Counter
from dataclasses import dataclass, field

import parts  # noqa: F401
from engine import tree_of

WATCHED_IDS = 64 * 65536
SETTLED_WITHIN = 20.0
NAMESPACES = ("net", "ipc", "pid", "mnt", "user", "uts", "cgroup")
# What the engine makes once, when the first container is replaced: where liblxc puts its monitors
# before it removes their groups. A second one would be a leak.
MADE_LATER = re.compile(r"cgroups: [^/]+/[^/]+/pivot(/lxc\.pivot)?$")
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock", "/run")


@dataclass
class Place:
    """Where an engine is: its guard's pid, name, directory and first uid."""

    pid: int
    instance: str
    directory: str
    first_uid: int

    def owns(self, uid):
        return self.first_uid <= uid < self.first_uid + WATCHED_IDS


@dataclass
class Census:
    counts: Counter = field(default_factory=Counter)
    kib: dict = field(default_factory=dict)  # "server RSS" → KiB; of what may not grow without end


def kind_of(text):
    """Numbers become #, so that names compare as kinds."""
    return re.sub(r"\d+", "#", text)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def field_of(text, label):
    found = re.search(rf"^{label}:\s*(\S+)", text, re.MULTILINE)
    return found.group(1) if found else ""


def entries(path):
    try:
        return [os.path.join(path, name) for name in os.listdir(path)]
    except OSError:
        return []


def link_of(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def take(place):
    census = Census()
    family = set(tree_of(place.pid))
    namespaces = {}
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        add_process(census, place, pid, family, namespaces)
    for (kind, name), (pid, contained) in namespaces.items():
        census.counts[f"namespaces: {kind}"] += 1
        if kind == "mnt":
            add_mounts(census, place, pid, contained)
    add_cgroups(census, place)
    add_files(census, place)
    for kind in ("shm", "sem", "msg"):
        census.counts[f"System V {kind} of a container"] += sum(
            any(word.isdigit() and place.owns(int(word)) for word in line.split())
            for line in read(f"/proc/sysvipc/{kind}").splitlines())
    census.counts = +census.counts
    return census


def add_process(census, place, pid, family, namespaces):
    status = read(f"/proc/{pid}/status")
    uid = field_of(status, "Uid")
    contained = uid != "" and place.owns(int(uid))
    if not status or (pid not in family and not contained):
        return
    name = role_of(place, pid, field_of(status, "Name"))
    zombie = " (a zombie)" if field_of(status, "State") == "Z" else ""
    census.counts[f"processes: {name}{zombie}"] += 1
    census.counts[f"threads: {name}"] += int(field_of(status, "Threads") or 0)
    for kind in NAMESPACES:
        if target := link_of(f"/proc/{pid}/ns/{kind}"):
            namespaces.setdefault((kind, target), (pid, contained))
    for entry in entries(f"/proc/{pid}/fd"):
        census.counts[f"descriptors: {name}: {kind_of(link_of(entry))}"] += 1
    memory = read(f"/proc/{pid}/smaps_rollup")
    for label in ("Rss", "Pss"):
        key = f"{name} {label.upper()}"
        census.kib[key] = census.kib.get(key, 0) + int(field_of(memory, label) or 0)


def role_of(place, pid, name):
    """The guard and the server are the same program; the kernel cuts names to 15 bytes."""
    if pid == place.pid:
        return "guard"
    roles = {"crankcased": "server", "crankcase-keepe": "keeper"}
    return roles.get(name, kind_of(name))


def add_mounts(census, place, pid, contained):
    """All of a container's namespace; of the host's, and copies of it, only the engine's own."""
    for line in read(f"/proc/{pid}/mountinfo").splitlines():
        if contained or place.directory in line or f"/{place.instance}" in line:
            census.counts["mounts " + ("of containers" if contained else "outside")] += 1


def add_cgroups(census, place):
    for path, directories, _ in os.walk("/sys/fs/cgroup"):
        if f"/{place.instance}" in path:
            census.counts[f"cgroups: {kind_of(path.removeprefix('/sys/fs/cgroup/'))}"] += 1
        elif path.count("/") > 8:
            directories.clear()


def add_files(census, place):
    for spot in PLACES:
        for path in entries(spot):
            try:
                owned = place.owns(os.lstat(path).st_uid)
            except OSError:
                continue  # gone meanwhile
            census.counts["files of a container in " + spot] += owned
    kept = os.path.join(place.directory, "data", "compiled")
    census.kib["results of compilers, on disk,"] = sum(
        os.lstat(path).st_size for path in entries(kept)) // 1024
    for path, directories, files in os.walk(place.directory):
        if path == kept:
            continue  # one file for each, as many as there is room for
        for name in directories + files:
            census.counts["files of the engine: " + kind_of(
                os.path.join(path, name).removeprefix(place.directory))] += 1


def more(first, later):
    """Kinds of which `later` has more than `first`, and than an engine makes once."""
    return {kind for kind, count in later.counts.items()
            if count > max(first.counts.get(kind, 0), 1 if MADE_LATER.match(kind) else 0)}


def settled(place, like=None):
    """The census of an engine that has nothing to do: the first that is the same twice and in no kind
    more than an earlier one; or, when that does not come, the last one taken."""
    deadline = time.monotonic() + SETTLED_WITHIN
    last = take(place)
    while time.monotonic() < deadline:
        time.sleep(0.5)
        now = take(place)
        if now.counts == last.counts and (like is None or not more(like, now)):
            return now
        last = now
    return last
