//! Topics with their ids: which life of a topic this is. rdkafka has no call for it, librdkafka has.

#![allow(
    unsafe_code,
    reason = "DescribeTopics, which alone tells a topic's id, has no safe call in rdkafka 0.39"
)]

use super::asker::{Quiet, native};
use crate::Error;
use rdkafka::bindings as sys;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;
use std::ffi::{CStr, CString, c_char};
use std::time::Duration;

/// How much longer than the request the wait for its outcome lasts.
const GRACE: Duration = Duration::from_millis(500);

/// A topic as the brokers know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// With the cluster's prefix.
    pub name: String,
    /// Drawn by Kafka when the topic was made, in its own spelling (base64).
    pub id: String,
    pub partitions: Vec<Partition>,
}

/// A partition and the brokers that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    pub number: u32,
    /// The broker that takes records now, if there is one.
    pub leader: Option<i32>,
    pub replicas: Vec<i32>,
    /// The replicas that have everything.
    pub in_sync: Vec<i32>,
}

/// The named topics that exist. Blocks for twice `wait` at most.
pub(super) fn describe(
    client: &BaseConsumer<Quiet>,
    names: &[String],
    wait: Duration,
) -> Result<Vec<Topic>, Error> {
    // An admin call while no broker is there has librdkafka connect over and over, without a pause and with a
    // core to itself. Metadata it asks for with pauses.
    let reached = client.fetch_metadata(names.first().map(String::as_str), wait);
    reached.map_err(|error| super::failed("looking for a broker", &error))?;
    let silent = || Error::Unavailable(format!("Kafka, no broker described its topics within {wait:?}"));
    let names: Vec<CString> = names
        .iter()
        .map(|name| CString::new(name.as_str()))
        .collect::<Result<_, _>>()
        .map_err(|_| Error::Refused("Kafka, no topic's name holds a NUL".into()))?;
    let event = ask(client, &names, wait).ok_or_else(silent)?;
    // SAFETY: the event lives until the end of this function, and everything that is read from it is owned
    // by it; a pointer that may be null is compared with it first.
    unsafe {
        refusal(sys::rd_kafka_event_error(event.0))?;
        let result = sys::rd_kafka_event_DescribeTopics_result(event.0);
        if result.is_null() {
            return Err(silent());
        }
        let mut count = 0;
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        (0..count).filter_map(|i| topic(*topics.add(i)).transpose()).collect()
    }
}

/// Asks, and waits for the outcome.
fn ask(client: &BaseConsumer<Quiet>, names: &[CString], wait: Duration) -> Option<Event> {
    let millis = |time: Duration| i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let client = native(client).native_ptr();
    // SAFETY: the client outlives the call, librdkafka copies names and options, and what was made here is
    // destroyed here; the queue is counted by librdkafka while an answer is on its way.
    unsafe {
        let topics = sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        let kind = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let options = sys::rd_kafka_AdminOptions_new(client, kind);
        let mut error = [0; 256];
        sys::rd_kafka_AdminOptions_set_request_timeout(
            options,
            millis(wait),
            error.as_mut_ptr(),
            error.len(),
        );
        let queue = sys::rd_kafka_queue_new(client);
        sys::rd_kafka_DescribeTopics(client, topics, options, queue);
        let event = sys::rd_kafka_queue_poll(queue, millis(wait + GRACE));
        sys::rd_kafka_queue_destroy(queue);
        sys::rd_kafka_AdminOptions_destroy(options);
        sys::rd_kafka_TopicCollection_destroy(topics);
        (!event.is_null()).then_some(Event(event))
    }
}

/// An event that is destroyed with its owner.
struct Event(*mut sys::rd_kafka_event_t);

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: it was given to this owner alone, and is used nowhere afterwards.
        unsafe { sys::rd_kafka_event_destroy(self.0) }
    }
}

/// # Safety
/// The description belongs to an event that lives.
unsafe fn topic(found: *const sys::rd_kafka_TopicDescription_t) -> Result<Option<Topic>, Error> {
    // SAFETY: as the caller promises; a topic that was found has a name, an id and its partitions.
    unsafe {
        match sys::rd_kafka_error_code(sys::rd_kafka_TopicDescription_error(found)) {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART => return Ok(None),
            error => refusal(error)?,
        }
        let name = text(sys::rd_kafka_TopicDescription_name(found));
        let id = sys::rd_kafka_TopicDescription_topic_id(found);
        let none = id.is_null()
            || (sys::rd_kafka_Uuid_most_significant_bits(id), sys::rd_kafka_Uuid_least_significant_bits(id))
                == (0, 0);
        if none {
            return Err(Error::Refused(format!("Kafka tells no id of topic {name}: run Kafka 3 or later")));
        }
        let id = text(sys::rd_kafka_Uuid_base64str(id));
        let mut count = 0;
        let partitions = sys::rd_kafka_TopicDescription_partitions(found, &raw mut count);
        let partitions = (0..count).map(|i| partition(*partitions.add(i))).collect();
        Ok(Some(Topic { name, id, partitions }))
    }
}

/// # Safety
/// The description belongs to an event that lives.
unsafe fn partition(found: *const sys::rd_kafka_TopicPartitionInfo_t) -> Partition {
    // SAFETY: as the caller promises.
    unsafe {
        let leader = sys::rd_kafka_TopicPartitionInfo_leader(found);
        let (mut replicas, mut in_sync) = (0, 0);
        let all = sys::rd_kafka_TopicPartitionInfo_replicas(found, &raw mut replicas);
        let current = sys::rd_kafka_TopicPartitionInfo_isr(found, &raw mut in_sync);
        Partition {
            number: sys::rd_kafka_TopicPartitionInfo_partition(found).max(0).cast_unsigned(),
            leader: (!leader.is_null()).then(|| sys::rd_kafka_Node_id(leader)),
            replicas: (0..replicas).map(|i| sys::rd_kafka_Node_id(*all.add(i))).collect(),
            in_sync: (0..in_sync).map(|i| sys::rd_kafka_Node_id(*current.add(i))).collect(),
        }
    }
}

/// # Safety
/// Null, or a C string that lives.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

fn refusal(error: RDKafkaRespErr) -> Result<(), Error> {
    if error == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    let code = RDKafkaErrorCode::from(error);
    Err(super::failed("describing topics", &rdkafka::error::KafkaError::AdminOp(code)))
}
