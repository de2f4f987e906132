//! A terminal with a screen that can be read, and somebody who types.

use std::{
    num::NonZeroU16,
    process::ExitStatus,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};
use hoop_testkit::{eventually, patience};
use pty_process::{Command, OwnedWritePty, Size};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Child,
    task::JoinHandle,
    time::timeout,
};

/// A terminal in which a program runs.
#[derive(Debug)]
pub struct Terminal {
    keyboard: OwnedWritePty,
    screen: Screen,
    child: Child,
    reader: JoinHandle<()>,
}

#[derive(Clone)]
struct Screen(Arc<Mutex<vt100::Parser>>);

impl Terminal {
    /// Runs `command` in a new terminal of 80 columns and 24 rows.
    ///
    /// # Errors
    /// When there is no terminal to be had, or no such program.
    pub fn run(command: Command) -> Result<Self> {
        let (pty, pts) = pty_process::open().context("open a terminal")?;
        pty.resize(Size::new(24, 80))?;
        let child = command.kill_on_drop(true).spawn(pts).context("run in a terminal")?;
        let (mut output, keyboard) = pty.into_split();
        let screen = Screen(Arc::new(Mutex::new(vt100::Parser::default())));
        let shown = screen.clone();
        let reader = tokio::spawn(async move {
            let mut bytes = vec![0; 16 * 1024];
            // Linux ends a terminal that nobody holds any more with an error.
            while let Ok(count @ 1..) = output.read(&mut bytes).await {
                shown.process(bytes.get(..count).unwrap_or_default());
            }
        });
        Ok(Self { keyboard, screen, child, reader })
    }

    /// Types `keys`; `\r` is the return key, `\x03` is Ctrl-C.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub async fn types(&mut self, keys: &str) -> Result<()> {
        self.keyboard.write_all(keys.as_bytes()).await.context("type")
    }

    /// Drags the window to another size.
    ///
    /// # Errors
    /// When the terminal is gone, or a side is 0.
    pub fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        let size = NonZeroU16::new(rows).zip(NonZeroU16::new(columns)).context("a side is 0")?;
        self.screen.resize(size);
        Ok(self.keyboard.resize(Size::new(rows, columns))?)
    }

    /// What is on the screen now.
    #[must_use]
    pub fn screen(&self) -> String {
        self.screen.contents()
    }

    /// Waits until `text` is on the screen.
    ///
    /// # Errors
    /// With what is there instead.
    pub async fn shows(&self, text: &str) -> Result<()> {
        eventually("the screen", async || {
            let screen = self.screen();
            ensure!(screen.contains(text), "no {text:?} on the screen:\n{screen}");
            Ok(())
        })
        .await
    }

    /// Waits until the last line with something on it is `line`, such as a prompt.
    ///
    /// # Errors
    /// With what is there instead.
    pub async fn shows_last(&self, line: &str) -> Result<()> {
        eventually("the last line", async || {
            let screen = self.screen();
            let last = screen.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            ensure!(last.trim() == line, "the last line is not {line:?}:\n{screen}");
            Ok(())
        })
        .await
    }

    /// The process that runs in it.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until the program ends, and for the last of what it printed.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        let ended = timeout(patience(), self.child.wait()).await;
        let status = ended.with_context(|| format!("it still runs:\n{}", self.screen()))??;
        let _rest = timeout(patience(), &mut self.reader).await;
        Ok(status)
    }
}

impl Screen {
    fn process(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).process(bytes);
    }

    fn resize(&self, (rows, columns): (NonZeroU16, NonZeroU16)) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).set_size(rows, columns);
    }

    fn contents(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).screen().contents()
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Screen")
    }
}
