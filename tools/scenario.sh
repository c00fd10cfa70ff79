#!/bin/bash
# Run one Molecule scenario from nothing to nothing: tools/scenario.sh NAME [molecule command, default test]
set -euo pipefail
cd "$(dirname "$0")/.."
export MOLECULE_GLOB='molecule/*/molecule.yml'
exec molecule "${2:-test}" --scenario-name "$1" "${@:3}"
