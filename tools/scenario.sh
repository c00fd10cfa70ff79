#!/usr/bin/env bash
# Run one Molecule scenario from nothing to nothing: tools/scenario.sh NAME [molecule command, default test]
#
# Ansible runs at -vvv, and everything that it says goes to a log, which the leak check then searches for secrets. Shown
# is one line a task, what failed, and the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
export MOLECULE_GLOB='molecule/*/molecule.yml' ANSIBLE_VERBOSITY=3 NO_COLOR=1 ANSIBLE_NOCOLOR=1
export SELVEDGE_OUTPUT_LOGS="${SELVEDGE_OUTPUT_LOGS:-$PWD/.cache/logs/scenario-$1.log}"
mkdir -p "$(dirname "$SELVEDGE_OUTPUT_LOGS")"
# The page that it deploys is looked at in a browser.
[ "$1" != monitoring ] || tools/prerequisites.sh browser
shown='TASK \[|PLAY \[|RUNNING HANDLER|fatal:|ERROR|FAILED|changed=|PASSED|passed|failed|skipped|^E  |➜|Executed'
if ! molecule "${2:-test}" --scenario-name "$1" "${@:3}" 2>&1 |
    tee "$SELVEDGE_OUTPUT_LOGS" | { grep --line-buffered -E "$shown" || true; }; then
    echo "--- the end of $SELVEDGE_OUTPUT_LOGS"
    tail -n 150 "$SELVEDGE_OUTPUT_LOGS" | cut -c1-400
    exit 1
fi
