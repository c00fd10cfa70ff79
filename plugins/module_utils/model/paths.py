"""Where things lie on a host. One place, so that roles, units and the guides agree."""

from __future__ import annotations

# The user that every container runs as; `bootstrap.yml` creates it on hosts.
UID = 10001
# The user of the node exporter, which sees the host's processes and files: those of a host's other containers, and
# their keys, are not its business.
EXPORTER_UID = 10002
# The user of upstream's CouchDB.
COUCHDB_UID = 5984

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
# Configuration of the monitoring, a folder for each kind of service.
MONITORING = f"{CONFIG}/monitoring"
# Configuration of CouchDBs, one for all of a host.
COUCHDB_CONFIG = f"{CONFIG}/couchdb"
# Where whoever runs on a host leaves metrics of its own, as files for the node exporter.
TEXTFILES = f"{DATA}/textfiles"
# The version of the collection that last brought the host to the model.
VERSION_FILE = f"{CONFIG}/version"

# Inside containers.
IN_SECRETS = "/run/secrets"
