//! What can go wrong with the broker.

/// Why a message or a question came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The broker is not there.
    #[error("the broker can't be reached: {cause}")]
    Unreachable {
        /// The client's words.
        cause: String,
    },
    /// Nobody listens on the subject.
    #[error("nobody answers on {subject}")]
    NoResponders {
        /// The subject.
        subject: String,
    },
    /// Somebody may listen and did not answer in time.
    #[error("no answer on {subject} in time")]
    Timeout {
        /// The subject.
        subject: String,
    },
    /// The answer, or the question, is not the expected message.
    #[error("a message on {subject} can't be decoded")]
    Undecodable {
        /// The subject.
        subject: String,
    },
    /// JetStream refused.
    #[error("the broker refused: {cause}")]
    Refused {
        /// The broker's words.
        cause: String,
    },
}
