//! Waiting at a step until a test lets go. Not in release builds.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::Step;

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// A test that is gone must not hold a process for ever.
const LONGEST: Duration = Duration::from_secs(30);

static WATCH: LazyLock<Option<Arc<Watch>>> = LazyLock::new(Watch::begin);

/// What a test wants, as last read from its file.
struct Watch {
    folder: PathBuf,
    /// A step, and how often it is still passed by.
    wanted: Mutex<Option<(String, u64)>>,
}

pub(super) fn at(step: Step) {
    let Some(watch) = WATCH.as_ref() else { return };
    if watch.is_here(step) {
        watch.hold();
    }
}

impl Watch {
    fn begin() -> Option<Arc<Self>> {
        let folder = PathBuf::from(std::env::var_os("E2E_STEPS")?);
        let watch = Arc::new(Self { folder, wanted: Mutex::default() });
        let reader = Arc::clone(&watch);
        std::thread::spawn(move || reader.read());
        Some(watch)
    }

    /// Reads the file whenever it is there anew.
    fn read(&self) {
        let mut known = None;
        loop {
            let text = std::fs::read_to_string(self.arm()).ok().filter(|text| text.ends_with('\n'));
            if text != known {
                *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) =
                    text.as_deref().and_then(parse);
                known = text;
            }
            std::thread::sleep(LOOK);
        }
    }

    fn is_here(&self, step: Step) -> bool {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, left)) = wanted.as_mut().filter(|(name, _)| name == step.name()) else {
            return false;
        };
        *left = left.saturating_sub(1);
        let here = *left == 0;
        if here {
            *wanted = None;
        }
        here
    }

    fn hold(&self) {
        let _unwritten = std::fs::write(self.folder.join("reached"), "");
        let began = Instant::now();
        while Path::exists(&self.arm()) && began.elapsed() < LONGEST {
            std::thread::sleep(LOOK);
        }
    }

    fn arm(&self) -> PathBuf {
        self.folder.join("arm")
    }
}

/// `before_publish 3`
fn parse(text: &str) -> Option<(String, u64)> {
    let (name, count) = text.trim().split_once(' ')?;
    Some((name.to_owned(), count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stops_at_the_wanted_step_the_wanted_time() {
        let wanted = Mutex::new(parse("after_ack 2\n"));
        let watch = Watch { folder: PathBuf::new(), wanted };
        assert!(!watch.is_here(Step::BeforeRelay));
        assert!(!watch.is_here(Step::AfterAck));
        assert!(watch.is_here(Step::AfterAck));
        assert!(!watch.is_here(Step::AfterAck));
    }
}
