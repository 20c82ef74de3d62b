//! Scenarios: named sets of what a run does, in TOML, shipped or a file of one's own.
