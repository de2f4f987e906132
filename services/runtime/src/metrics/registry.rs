//! The series that this process has, by metric and labels, and the page that shows them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text::encode},
    metrics::{MetricType, counter::Counter, gauge::Gauge},
    registry::Registry,
};

use super::{
    Histogram, Labels, METRICS,
    list::{Kind, Metric, find},
};

/// Series that one metric may have. Labels are bounded by their makers; this bounds what a
/// mistake of theirs would cost.
const MOST_SERIES: usize = 1000;

type Look = Arc<dyn Fn() -> Option<f64> + Send + Sync>;

#[derive(Clone)]
enum Value {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
    /// What is looked up when the page is asked for; several are added up.
    Observed(Vec<Look>),
}

/// The values of a metric, by those of its labels.
type Series = BTreeMap<Vec<String>, Value>;

static SERIES: Mutex<BTreeMap<&'static str, Series>> = Mutex::new(BTreeMap::new());

fn all() -> MutexGuard<'static, BTreeMap<&'static str, Series>> {
    SERIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The series with these labels, made by `new` when it is not there. A name that is not in
/// the list, labels that are not its, or one series too many: counted and never shown.
fn series(name: &'static str, labels: Labels<'_>, new: impl FnOnce(&Metric) -> Value) -> Value {
    let Some(metric) = find(name) else {
        debug_assert!(false, "{name} is missing in METRICS");
        return new(&Metric::UNKNOWN);
    };
    let names = labels.iter().map(|(name, _)| *name);
    debug_assert!(names.eq(metric.labels.iter().copied()), "{name} has other labels");
    let key: Vec<String> = labels.iter().map(|(_, value)| (*value).to_owned()).collect();
    let mut all = all();
    let series = all.entry(name).or_default();
    if let Some(value) = series.get(&key) {
        return value.clone();
    }
    let value = new(metric);
    if series.len() < MOST_SERIES {
        series.insert(key, value.clone());
    }
    value
}

/// The counter of this name with these labels.
#[must_use]
pub fn counter(name: &'static str, labels: Labels<'_>) -> Counter {
    match series(name, labels, |_| Value::Counter(Counter::default())) {
        Value::Counter(counter) => counter,
        _ => Counter::default(),
    }
}

/// The gauge of this name with these labels.
#[must_use]
pub fn gauge(name: &'static str, labels: Labels<'_>) -> Gauge {
    match series(name, labels, |_| Value::Gauge(Gauge::default())) {
        Value::Gauge(gauge) => gauge,
        _ => Gauge::default(),
    }
}

/// The histogram of this name with these labels.
#[must_use]
pub fn histogram(name: &'static str, labels: Labels<'_>) -> Histogram {
    let new = |metric: &Metric| match metric.kind {
        Kind::Histogram(bounds) => Histogram::new(bounds),
        Kind::Counter | Kind::Gauge => Histogram::new(&[]),
    };
    match series(name, labels, |metric| Value::Histogram(new(metric))) {
        Value::Histogram(histogram) => histogram,
        _ => Histogram::new(&[]),
    }
}

/// A series whose value is `look`ed up when the page is asked for; nothing when there is
/// none any more. What is observed under one name with the same labels is added up.
pub fn observe<F>(name: &'static str, labels: Labels<'_>, look: F)
where
    F: Fn() -> Option<f64> + Send + Sync + 'static,
{
    let _ = series(name, labels, |_| Value::Observed(Vec::new()));
    let key: Vec<String> = labels.iter().map(|(_, value)| (*value).to_owned()).collect();
    let mut all = all();
    let value = all.get_mut(name).and_then(|series| series.get_mut(&key));
    if let Some(Value::Observed(looks)) = value
        && looks.len() < MOST_SERIES
    {
        looks.push(Arc::new(look));
    }
}

/// The page, in the text format of OpenMetrics.
#[must_use]
pub fn page() -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Ours));
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = encode(&mut page, &registry);
    page
}

#[derive(Debug)]
struct Ours;

impl Collector for Ours {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in METRICS {
            // Copied, because looking takes time and whatever locks it likes.
            let Some(series) = all().get(metric.name).cloned() else { continue };
            let (name, kind) = match metric.kind {
                // The encoder adds it again.
                Kind::Counter => (metric.name.trim_end_matches("_total"), MetricType::Counter),
                Kind::Gauge => (metric.name, MetricType::Gauge),
                Kind::Histogram(_) => (metric.name, MetricType::Histogram),
            };
            let mut encoder = encoder.encode_descriptor(name, metric.help, None, kind)?;
            for (values, value) in series {
                if values.is_empty() {
                    write(&mut encoder, metric.kind, &value)?;
                } else {
                    let labels: Vec<_> = metric.labels.iter().copied().zip(values).collect();
                    write(&mut encoder.encode_family(&labels)?, metric.kind, &value)?;
                }
            }
        }
        Ok(())
    }
}

fn write(encoder: &mut MetricEncoder<'_>, kind: Kind, value: &Value) -> fmt::Result {
    match value {
        Value::Counter(counter) => {
            encoder.encode_counter::<NoLabelSet, _, u64>(&counter.get(), None)
        }
        Value::Gauge(gauge) => encoder.encode_gauge(&gauge.get()),
        Value::Histogram(histogram) => {
            let seen = histogram.snapshot();
            encoder.encode_histogram::<NoLabelSet>(seen.sum, seen.count, &seen.buckets, None)
        }
        Value::Observed(looks) => {
            let seen: Vec<f64> = looks.iter().filter_map(|look| look()).collect();
            if seen.is_empty() {
                return Ok(());
            }
            let sum: f64 = seen.into_iter().sum();
            if matches!(kind, Kind::Counter) {
                encoder.encode_counter::<NoLabelSet, _, u64>(&sum, None)
            } else {
                encoder.encode_gauge(&sum)
            }
        }
    }
}
