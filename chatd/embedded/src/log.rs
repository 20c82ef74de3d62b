//! The log as our own append-only segments with group commit.
