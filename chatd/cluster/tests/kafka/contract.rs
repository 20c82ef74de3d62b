//! What `Events` promises, on Kafka.

use super::spot::Spot;
use store::contract::events as promise;

/// One test a promise, each with topics of its own.
macro_rules! keeps {
    ($($name:ident($($argument:tt)*);)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            if let Some(spot) = Spot::make(2).await {
                keeps!(@call $name, spot, $($argument)*);
                spot.remove().await;
            }
        }
    )*};
    (@call $name:ident, $spot:ident, log) => { promise::$name(&*$spot.open().await).await };
    (@call $name:ident, $spot:ident, log, group) => { promise::$name(&*$spot.open().await, "group").await };
    (@call $name:ident, $spot:ident, shared, group) => { promise::$name($spot.open().await, "group").await };
    (@call $name:ident, $spot:ident, open) => { promise::$name(async || $spot.open().await).await };
    (@call $name:ident, $spot:ident, open, group) => {
        promise::$name(async || $spot.open().await, "group").await
    };
}

keeps! {
    offsets_are_dense_in_the_order_of_the_calls(log, group);
    each_caller_keeps_its_order(shared, group);
    acknowledged_survives_reopening(open);
    close_writes_what_waits(open);
    a_commit_survives_reopening(open, group);
    seek_moves_both_ways(log, group);
    a_record_wakes_who_waits(shared, group);
    partitions_are_independent(log, group);
    bounds_are_kept(log);
    a_partition_has_one_owner(shared, group);
}
