"""Where things lie on a host. One place, so that roles, units and the guides agree."""

from __future__ import annotations

# The user that every container runs as; `bootstrap.yml` creates it on hosts.
UID = 10001

CONFIG = "/etc/selvedge"
LIBRARY = "/usr/local/lib/selvedge"
DATA = "/var/lib/selvedge"
SECRETS = "/run/selvedge/secrets"
# Boot material, by the host's seal.
CREDENTIALS = "/etc/credstore.encrypted"
CLEAR_CREDENTIALS = "/etc/credstore"
CA_CERT = f"{CONFIG}/ca.crt"
AGENT = f"{CONFIG}/agent"
HOSTS_FILE = f"{CONFIG}/nodes.hosts"
STACKS = f"{CONFIG}/stacks"
# The version of the collection that last brought the host to the model.
VERSION_FILE = f"{CONFIG}/version"

# Inside containers.
IN_SECRETS = "/run/secrets"
