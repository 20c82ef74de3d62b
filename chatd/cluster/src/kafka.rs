//! The log on Kafka.

mod epoch;

pub use epoch::{EpochError, Epochs, FixedEpochs};
