"""`make bench`: what Selvedge costs on this machine, as a table."""
