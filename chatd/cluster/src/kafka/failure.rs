//! What Kafka's errors mean to who uses the log.

use engines::kafka::Kafka;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use store::Error;

/// An engine's error in the terms of a store.
pub(super) fn engine(error: engines::Error) -> Error {
    match error {
        engines::Error::Unavailable(text) => Error::Unavailable(text),
        engines::Error::Refused(text) | engines::Error::Different(text) => Error::Corrupt(text),
    }
}

/// A client that can't be made.
pub(super) fn client(kafka: &Kafka, error: &KafkaError) -> Error {
    Error::Corrupt(format!("a client of {kafka} can't be made: {error}"))
}

/// A commit that was not taken.
pub(super) fn commit(error: RDKafkaErrorCode) -> Error {
    use RDKafkaErrorCode as Code;
    match error {
        Code::IllegalGeneration
        | Code::UnknownMemberId
        | Code::RebalanceInProgress
        | Code::FencedInstanceId
        | Code::AssignmentLost
        | Code::FencedMemberEpoch
        | Code::StaleMemberEpoch => Error::Revoked,
        Code::OffsetMetadataTooLarge => Error::Corrupt(format!(
            "the text beside a committed offset has more bytes than Kafka takes (offset.metadata.max.bytes): {error}"
        )),
        Code::RequestTimedOut | Code::OperationTimedOut => {
            Error::Unknown(format!("Kafka, committing an offset: {error}"))
        }
        _ => Error::Unavailable(format!("Kafka, committing an offset: {error}")),
    }
}
