"""Real servers on this machine without containers: Apache Kafka and Redis, each on a leash."""
