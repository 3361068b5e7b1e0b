#!/bin/bash
# PID 1 of the lab's guest without systemd: runs the job as its child and reaps what it leaves.
EXIT_STATUS=0
bash /run/lab/job.sh </dev/null >>/run/lab/stdout 2>>/run/lab/stderr || EXIT_STATUS=$?
export EXIT_STATUS
exec bash /run/lab/finish.sh
