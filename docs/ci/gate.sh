#!/bin/sh
# A latency gate for any CI that runs a shell: gate.sh BASE HEAD [options of `mnv4bench gate`].
#
# Says in a sentence what the exit status means, and ends with it. Summary, JUnit XML, badge and JSON
# are left in ./gate (GATE_DIR names another folder).
set -u

if [ "$#" -lt 2 ]; then
    echo "usage: gate.sh BASE HEAD [options of mnv4bench gate]" >&2
    exit 2
fi
base=$1 head=$2
shift 2
to=${GATE_DIR:-gate}
mkdir -p "$to" || exit 3

mnv4bench gate --base "$base" --head "$head" \
    --summary "$to/summary.md" --junit "$to/junit.xml" --badge "$to/gate.svg" --out "$to/gate.json" "$@"
status=$?

case $status in
0) echo "gate: nothing became slower." ;;
1) echo "gate: slower, or over its budget; a second, independent measurement agreed. Fix it, or accept it aloud." ;;
2) echo "gate: the command is off, or the two sides cannot be compared. Fix the pipeline." ;;
3) echo "gate: could not measure, or it stayed unclear. This says nothing about the change: run it again, or on a quieter machine." ;;
4) echo "gate: a file cannot be read. Fix what writes it." ;;
5) echo "gate: measured, but head did not provably run where it was asked to. Look at the placement before the number." ;;
130 | 143) echo "gate: interrupted." ;;
*) echo "gate: ended with $status, which is no status of its own: killed, or not installed. Nothing was judged." ;;
esac
exit "$status"
