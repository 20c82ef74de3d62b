"""The real Kafka, Cassandra, PostgreSQL and Redis for development and tests, by Docker or without it."""
