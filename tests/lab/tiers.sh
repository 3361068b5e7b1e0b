#!/bin/bash
# In the lab's guest: runs tiers of tests one after the other in one boot. Whoever called can tell
# them apart by the lines around each: "lab: TIER begins", and "lab: TIER ended CODE after N s"; one
# that has no second line was not finished when the guest ended.
#
#   tiers.sh DIRECTORY-OF-PROGRAMS 'TIER [OPTION…]'…
programs=$1
shift
for entry; do
    read -ra words <<<"$entry"
    began=$SECONDS
    echo "lab: ${words[0]} begins"
    "$programs/${words[0]}_tests" "${words[@]:1}" 2>&1
    echo "lab: ${words[0]} ended $? after $((SECONDS - began)) s"
done
