//! How the real engines are reached, and what they must hold.
