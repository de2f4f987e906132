//! What the owner of a pipe is told.

use hoop_domain::EndReason;
use hoop_proto::v1::{Parameter, channel_open::Kind};

/// Something that the owner of a pipe has to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The peer opens a channel: answer with [`Pipe::ready`](super::Pipe::ready),
    /// [`Pipe::ready_command`](super::Pipe::ready_command) or
    /// [`Pipe::fail`](super::Pipe::fail).
    Open {
        /// Its number.
        channel: u32,
        /// What it is to be.
        kind: Kind,
    },
    /// The peer has reached the target of a channel: give it a reader and a writer.
    Ready {
        /// Its number.
        channel: u32,
        /// What the target announced.
        parameters: Vec<Parameter>,
    },
    /// The peer could not open the channel, or it broke. It is gone.
    Failed {
        /// Its number.
        channel: u32,
        /// The reason.
        reason: EndReason,
        /// A sentence for the person.
        message: String,
    },
    /// The peer asks to stop what runs on the channel.
    Cancel {
        /// Its number.
        channel: u32,
    },
    /// The terminal of the channel's user has another size now.
    Resize {
        /// The channel's number.
        channel: u32,
        /// Its width in characters.
        columns: u32,
        /// Its height in characters.
        rows: u32,
    },
    /// The command of the channel is over, and all that it printed is written and flushed.
    Exit {
        /// The channel's number.
        channel: u32,
        /// Its exit code; 128 + `signal` when a signal ended it.
        code: i32,
        /// The signal that ended it, or 0.
        signal: i32,
    },
    /// The channel's own reader ended: the target, or the local client, hung up.
    ReaderEnded {
        /// Its number.
        channel: u32,
    },
    /// Both directions of the channel are over, or its command is. It is gone.
    Finished {
        /// Its number.
        channel: u32,
    },
    /// The stream broke, and the session went on with another one. Nothing was lost.
    Resumed {
        /// How long it took.
        away: std::time::Duration,
    },
    /// A sentence for the user, while the session goes on.
    Notice {
        /// The sentence.
        message: String,
    },
    /// The peer ended the session.
    End {
        /// The reason.
        reason: EndReason,
        /// A sentence for the person.
        message: String,
    },
}
