"""How Sightline is started: with containers (compose.yml) or without them (the package local)."""
