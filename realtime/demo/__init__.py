"""`manage.py demo`: the whole system on one machine, started, watched and ended by one process."""
