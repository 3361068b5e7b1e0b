# How scripts/start and scripts/stop know and end the daemon; sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2034  # $daemon_log is read by scripts/start

daemon_pid_file=build/run/crankcased.pid
daemon_log=build/run/crankcased.log

# The name of a process's program; a rebuilt one shows as deleted, and is the same program.
name_of() {
    local path
    path=$(readlink "/proc/$1/exe" 2>/dev/null || true)
    path=${path% (deleted)}
    say "${path##*/}"
}

# The pid in the pid file, if it is still a crankcased. The number alone says nothing: it may have
# been given to another process since.
recorded_daemon() {
    local pid
    pid=$(cat "$daemon_pid_file" 2>/dev/null || true)
    if [[ $pid =~ ^[0-9]+$ ]] && [ "$(name_of "$pid")" = crankcased ]; then say "$pid"; fi
}

# The pid of whoever listens on a TCP port of this machine, if anyone does; needs root for others'.
# Read from /proc, because ss and lsof need not be installed. State 0A is LISTEN (tcp_states.h).
listener_of() {
    local port inode
    printf -v port '%04X' "$1"
    inode=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        awk -v port=":$port" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10; exit }')
    [ -n "$inode" ] || return 0
    find /proc/[0-9]*/fd -lname "socket:\[$inode\]" 2>/dev/null | awk -F/ 'NR == 1 { print $3 }' || true
}

# Asks it to end, gives running jobs half a minute, then insists. Its children (the keeper, which
# removes containers and cgroups when the daemon is gone) are waited for as well.
stop_daemon() {
    local pid=$1 started=$SECONDS family child
    read -r -a family <"/proc/$pid/task/$pid/children" 2>/dev/null || family=()
    kill -TERM "$pid" 2>/dev/null || return 0
    while [ "$(name_of "$pid")" = crankcased ]; do
        if [ $((SECONDS - started)) -ge 30 ]; then
            say "It did not end within 30 seconds; killing it." >&2
            kill -KILL "$pid" 2>/dev/null || true
        fi
        sleep 0.1
    done
    for child in "${family[@]}"; do
        while [[ $(name_of "$child") == crankcase* ]]; do
            [ $((SECONDS - started)) -lt 40 ] || die "its child (pid $child) does not end"
            sleep 0.1
        done
    done
}
