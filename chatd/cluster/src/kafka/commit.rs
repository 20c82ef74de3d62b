//! A commit whose answer is waited for apart from its sending.

#![allow(
    unsafe_code,
    reason = "rdkafka 0.39 tells no outcome of an asynchronous commit, and its synchronous one can't be bounded in time"
)]

use rdkafka::TopicPartitionList;
use rdkafka::bindings as sys;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

/// A commit that is on its way.
pub(super) struct Sent<C: ConsumerContext> {
    queue: *mut sys::rd_kafka_queue_t,
    /// Lives as long as its queue.
    _client: Arc<BaseConsumer<C>>,
}

// SAFETY: librdkafka's queues may be used and destroyed by any thread; this owner is the only one.
unsafe impl<C: ConsumerContext> Send for Sent<C> {}

/// Puts a commit behind what the client is told to do, and returns at once.
pub(super) fn send<C: ConsumerContext>(
    client: &Arc<BaseConsumer<C>>,
    offsets: &TopicPartitionList,
) -> Result<Sent<C>, RDKafkaErrorCode> {
    let native = client.client().native_ptr();
    // SAFETY: client and list outlive the call, which copies the list; the queue is destroyed by its owner.
    let (queue, error) = unsafe {
        let queue = sys::rd_kafka_queue_new(native);
        (queue, sys::rd_kafka_commit_queue(native, offsets.ptr(), queue, None, ptr::null_mut()))
    };
    let sent = Sent { queue, _client: Arc::clone(client) };
    taken(error).map(|()| sent)
}

impl<C: ConsumerContext> Sent<C> {
    /// What Kafka answered; `None`: nothing in this time. Blocks.
    pub(super) fn wait(self, time: Duration) -> Option<Result<(), RDKafkaErrorCode>> {
        let millis = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is this owner's, and the event is destroyed before its error is looked at.
        let error = unsafe {
            let event = sys::rd_kafka_queue_poll(self.queue, millis);
            if event.is_null() {
                return None;
            }
            let error = sys::rd_kafka_event_error(event);
            sys::rd_kafka_event_destroy(event);
            error
        };
        Some(taken(error))
    }
}

impl<C: ConsumerContext> Drop for Sent<C> {
    fn drop(&mut self) {
        // SAFETY: made by `send`, and used nowhere afterwards; librdkafka counts who still answers to it.
        unsafe { sys::rd_kafka_queue_destroy(self.queue) }
    }
}

fn taken(error: RDKafkaRespErr) -> Result<(), RDKafkaErrorCode> {
    if error == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR { Ok(()) } else { Err(error.into()) }
}
