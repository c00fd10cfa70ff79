"""`make gate`: every job and scenario, one after the other, and a report of them."""
