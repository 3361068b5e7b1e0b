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
# The guest's tree is this machine's, where the build may lie below /root.
printf '[Service]\nExecStart=\nExecStart=%s\nProtectHome=no\nPrivateTmp=no\nWatchdogSec=60s\n' \
    "$1 --listen $address --set user=nobody --set pool.runners=2 --set admission.concurrent_jobs=2" \
    >/run/systemd/system/$unit.d/lab.conf
mkdir -p /var/log/journal
systemctl daemon-reload
if ! systemctl start $unit; then
    systemctl status --no-pager $unit
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
sleep 2
# shellcheck disable=SC2016  # likewise
ask "http://$address/api/v2/execute" -H 'Content-Type: application/json' -d '
    {"language": "bash", "version": "*", "files": [{"content": "echo again $((6 * 7))"}]}'
echo
echo "oom score $(cat "/proc/$pid/oom_score_adj"), $(systemctl show -P ActiveState $unit), $(systemctl show -P StatusText $unit)"
systemctl stop $unit
echo "ended $(systemctl show -P Result $unit), groups left $(find "/sys/fs/cgroup/crankcase" -maxdepth 0 2>/dev/null | wc -l)"
