"""A database and a Redis as an earlier release left them; README.md says how they were made."""
