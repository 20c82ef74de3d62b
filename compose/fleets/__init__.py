"""Many chatd processes on one machine."""
