//! The three standard streams, for code that must not block, unbuffered.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use tokio::fs::File;

/// Standard input.
pub(crate) fn stdin() -> io::Result<File> {
    file(io::stdin().as_fd())
}

/// Standard output.
pub(crate) fn stdout() -> io::Result<File> {
    file(io::stdout().as_fd())
}

/// Standard error.
pub(crate) fn stderr() -> io::Result<File> {
    file(io::stderr().as_fd())
}

fn file(stream: BorrowedFd<'_>) -> io::Result<File> {
    Ok(File::from_std(std::fs::File::from(stream.try_clone_to_owned()?)))
}
