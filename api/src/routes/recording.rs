//! Reading a recording, whatever it is shown as.

use crate::Error;

/// A recording that can't be read, as an answer.
pub(crate) fn failed(error: hoop_store::recording::Error) -> Error {
    match error {
        hoop_store::recording::Error::Store(error) => error.into(),
        error => Error::internal(error),
    }
}
