# Shared by the scripts in this folder; sourced, never run. Sets $repo and goes there, so that every
# script works from any directory and any folder name.
# shellcheck shell=bash
# shellcheck disable=SC2034  # $repo is read by the scripts that source this file

set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$repo"

say() { printf '%s\n' "$*"; }

die() {
    printf '%s: %s\n' "scripts/${0##*/}" "$*" >&2
    exit 1
}

# Prints the comment at the top of the calling script; that comment is its --help.
show_help() {
    awk 'NR == 1 { next } !/^#/ { exit } { sub(/^# ?/, ""); print }' "$repo/scripts/${0##*/}"
}

need_root() {
    [ "$(id -u)" -eq 0 ] || die "needs root to $1. Run: sudo scripts/${0##*/}"
}

# C++ sources of the project, one path a line; git is not asked, so a tarball will do.
sources() {
    find . \( -name build -o -name .git -o -name .cache \) -prune -o \
        -type f \( -name '*.h' -o -name '*.cpp' \) -print | sed 's|^\./||' | LC_ALL=C sort
}

# The shell scripts of the project: everything that starts with a shell's #! line.
shell_scripts() {
    find scripts .ci tests packages -type f -exec awk \
        'FNR == 1 && /^#!.*\/(env )?(ba|da)?sh( |$)/ { print FILENAME } FNR > 1 { nextfile }' {} + |
        LC_ALL=C sort
}

# How many compilers fit: one a processor, but no more than one per 1.2 GB of free memory.
build_jobs() {
    local jobs fit
    jobs=$(nproc)
    fit=$(awk '$1 == "MemAvailable:" { print int($2 / 1200000) }' /proc/meminfo)
    [ "$fit" -ge "$jobs" ] || jobs=$fit
    [ "$jobs" -ge 1 ] || jobs=1
    say "$jobs"
}

# build PRESET [TARGET…] configures and builds. CMake's own chatter is shown only when it fails.
build() {
    local preset=$1 targets=()
    shift
    [ $# -eq 0 ] || targets=(--target "$@")
    forget_moved_build "build/$preset"
    cmake --preset "$preset" >"build/$preset.configure.log" 2>&1 || {
        cat "build/$preset.configure.log" >&2
        return 1
    }
    cmake --build --preset "$preset" --parallel "$(build_jobs)" "${targets[@]}"
}

# A build folder remembers absolute paths; one that was copied or moved here would not configure.
forget_moved_build() {
    local cache=$1/CMakeCache.txt
    mkdir -p build
    if [ -e "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$repo" "$cache"; then
        rm -rf "$1"
    fi
}

# Under sudo the build folder goes back to the person who called, or later builds of theirs fail.
give_back_build() {
    if [ -n "${SUDO_UID:-}" ] && [ -d build ]; then
        chown -R --no-dereference "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" build
    fi
}
