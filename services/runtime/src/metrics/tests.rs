//! The list, the guide and the page say the same.

use std::time::Duration;

use http::{Method, StatusCode};

use super::{METRICS, counter, histogram, observe, page, resources, serve::answer};

const GUIDE: &str = include_str!("../../../../docs/guide/metrics.md");

fn code(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_guide_has_a_row_for_each_metric_and_no_other() {
    let rows: Vec<_> = METRICS
        .iter()
        .map(|metric| {
            let processes = if metric.processes.len() == 5 {
                "all".into()
            } else {
                metric.processes.join(", ")
            };
            let (name, kind, labels) = (metric.name, metric.kind.as_str(), code(metric.labels));
            let labels = if labels.is_empty() { String::new() } else { format!(" {labels}") };
            format!("| `{name}` | {kind} |{labels} | {processes} | {} |", metric.help)
        })
        .collect();
    let listed: Vec<_> = GUIDE
        .lines()
        .filter(|line| line.starts_with("| `hoop_") || line.starts_with("| `process_"))
        .collect();
    for row in &rows {
        assert!(listed.contains(&row.as_str()), "docs/guide/metrics.md lacks {row}");
    }
    assert_eq!(listed.len(), rows.len(), "docs/guide/metrics.md has rows for what is not there");
}

#[test]
fn names_say_the_unit_and_are_listed_once() {
    let mut names: Vec<_> = METRICS.iter().map(|metric| metric.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), METRICS.len());
    for metric in METRICS {
        let (name, kind) = (metric.name, metric.kind.as_str());
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{name}");
        assert!(!metric.help.is_empty() && !metric.help.ends_with('.'), "{name}");
        assert!(!metric.help.contains(['\\', '\n', '|']), "{name}");
    }
}

#[test]
fn clones_and_later_requests_count_together() {
    let (one, other) = (counter("process_cpu_seconds_total", &[]), histogram("hoop_tasks", &[]));
    one.inc();
    counter("process_cpu_seconds_total", &[]).clone().inc();
    assert_eq!(one.get(), 2);
    other.observe(Duration::from_secs(1));
    // This process has only one kind of metric under one name.
    assert_eq!(counter("hoop_tasks", &[]).get(), 0);
}

#[test]
fn the_page_ends_as_its_format_wants_and_shows_what_is_looked_up() {
    observe("process_threads", &[], || Some(3.5));
    observe("process_threads", &[], || None);
    observe("process_threads", &[], || Some(4.0));
    let page = page();
    assert!(page.contains("# TYPE process_threads gauge\nprocess_threads 7.5\n"), "{page}");
    assert!(page.ends_with("# EOF\n"), "{page}");
}

#[test]
fn this_process_has_a_size_and_a_start() {
    resources::show("api");
    let page = page();
    for name in ["process_resident_memory_bytes", "process_start_time_seconds", "process_open_fds"]
    {
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        assert!(value.is_some_and(|value| 0.0 < value.parse::<f64>().unwrap()), "{name} in {page}");
    }
}

#[test]
fn only_the_page_can_be_had() {
    assert_eq!(answer(&Method::GET, "/metrics").status(), StatusCode::OK);
    assert_eq!(answer(&Method::POST, "/metrics").status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer(&Method::GET, "/").status(), StatusCode::NOT_FOUND);
}
