//! The stores on real engines.
