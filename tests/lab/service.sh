#!/bin/bash
# In the lab's guest with systemd: starts the engine by the unit that comes with it, has it run one
# program, and prints what systemd and the cgroup say of it.
#
#   service.sh PATH-OF-CRANKCASED
unit=crankcase.service
address=127.0.0.1:2000

ask() { curl --silent --show-error --fail-with-body --noproxy '*' --max-time 100 "$@"; }

cp "$(dirname "$0")/../../config/systemd/$unit" /run/systemd/system/
mkdir -p /run/systemd/system/$unit.d
# The guest's tree is this machine's, where the build may lie below /root; and nothing of sysinit.target
# is wanted there, which would bring this machine's hardware database up to date for minutes.
# What this machine has installed is another user's. The path may hold blanks, and a % of its own.
settings='--set user=nobody --set paths.data_directory=/run/crankcase-data --set pool.runners=2 --set admission.concurrent_jobs=2'
log=/run/crankcase.log
printf '[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=\nExecStart=%s\nProtectHome=no\nPrivateTmp=no\nWatchdogSec=60s\nStandardError=append:%s\n' \
    "\"${1//%/%%}\" --listen $address $settings" "$log" \
    >/run/systemd/system/$unit.d/lab.conf
mkdir -p /var/log/journal
systemctl daemon-reload
if ! systemctl start $unit; then
    systemctl status --no-pager $unit
    cat "$log"
    exit 1
fi
# shellcheck disable=SC2016  # for the engine's bash to expand
ask "http://$address/api/v2/execute" -H 'Content-Type: application/json' -d '
    {"language": "bash", "version": "*", "files": [{"content": "echo $((6 * 7))"}]}'
echo
group=/sys/fs/cgroup$(systemctl show -P ControlGroup $unit)
echo "daemon memory $(cat "$group/daemon/memory.max")"
# Another keeper finds the same groups again.
pid=$(systemctl show -P MainPID $unit)
keeper=$(pgrep -P "$pid" -f crankcase-keeper)
kill -KILL "$keeper"
for ((attempt = 0; attempt < 240; attempt++)); do
    next=$(pgrep -P "$pid" -f crankcase-keeper)
    [ -n "$next" ] && [ "$next" != "$keeper" ] && ask "http://$address/readyz" >/dev/null 2>&1 && break
    sleep 0.5
done
# shellcheck disable=SC2016  # likewise
ask "http://$address/api/v2/execute" -H 'Content-Type: application/json' -d '
    {"language": "bash", "version": "*", "files": [{"content": "echo again $((6 * 7))"}]}'
echo
echo "oom score $(cat "/proc/$pid/oom_score_adj"), $(systemctl show -P ActiveState $unit), $(systemctl show -P StatusText $unit)"
systemctl stop $unit
echo "ended $(systemctl show -P Result $unit), groups left $(find /sys/fs/cgroup -type d -name crankcase | wc -l)"
