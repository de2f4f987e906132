//! What is known of the connection and of the streams, for the metrics.

use std::{
    sync::{LazyLock, atomic::Ordering::Relaxed},
    time::Duration,
};

use hoop_runtime::metrics::{Counter, counter, gauge, number, observe};

use crate::{
    Bus,
    stream::{AUDIT, EVENTS},
};

/// How often the broker is asked how much is in a stream.
const LOOK: Duration = Duration::from_secs(5);

/// Messages that came faster than they were taken: some of them are lost.
pub(crate) fn slow_consumer() {
    static COUNTER: LazyLock<Counter> =
        LazyLock::new(|| counter("hoop_broker_slow_consumers_total", &[]));
    COUNTER.inc();
}

impl Bus {
    /// Shows, from now on, whether the broker is there and how often it came back.
    pub fn show(&self) {
        let _ = counter("hoop_broker_slow_consumers_total", &[]);
        let bus = self.clone();
        observe("hoop_broker_connected", &[], move || Some(f64::from(u8::from(bus.connected()))));
        self.statistic("hoop_broker_reconnects_total", |seen| {
            seen.connects.load(Relaxed).saturating_sub(1)
        });
        self.statistic("hoop_broker_received_bytes_total", |seen| seen.in_bytes.load(Relaxed));
        self.statistic("hoop_broker_sent_bytes_total", |seen| seen.out_bytes.load(Relaxed));
    }

    fn statistic(&self, name: &'static str, read: fn(&async_nats::client::Statistics) -> u64) {
        let client = self.client().clone();
        observe(name, &[], move || Some(number(read(&client.statistics()))));
    }

    /// Looks at the streams now and then, and shows how much is in them. Never ends.
    pub async fn show_streams(&self) {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            for name in [AUDIT, EVENTS] {
                self.show_stream(name).await;
            }
        }
    }

    /// What was seen last stands while the broker is away; whether it is, says another metric.
    async fn show_stream(&self, name: &'static str) {
        let Ok(stream) = self.jetstream().get_stream(name).await else { return };
        let seen = stream.cached_info();
        let labels = [("stream", name)];
        let set = |metric, value: u64| {
            gauge(metric, &labels).set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        set("hoop_stream_messages", seen.state.messages);
        set("hoop_stream_bytes", seen.state.bytes);
        // Less than one is no limit.
        set("hoop_stream_limit_bytes", u64::try_from(seen.config.max_bytes).unwrap_or(0));
    }
}
