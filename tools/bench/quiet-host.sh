#!/bin/sh
# A host where nothing is to be done. The bench gives this to Ansible as the Python interpreter: it takes the module
# and its arguments, as a host does, and gives the answer of $SELVEDGE_QUIET_ANSWER, a JSON file. What is left to
# measure is the controller.
cat >/dev/null
exec cat "$SELVEDGE_QUIET_ANSWER"
