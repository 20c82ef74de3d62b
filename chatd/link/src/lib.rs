//! The delivery link between processes.
