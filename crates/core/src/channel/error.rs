//! Why an operation on a channel did not happen.

use std::error::Error;
use std::fmt;

/// Why an operation was refused. Nothing has been sent or received then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// This handle was closed, before or meanwhile.
    Closed,
    /// To a sender: all receivers have closed.
    Broken,
    /// To a receiver: all senders have closed and nothing is left.
    Ended,
    /// One try to send: there is no room, nor a receiver that waits.
    Full,
    /// One try to receive: there is nothing.
    Empty,
    /// The deadline has passed.
    TimedOut,
    /// An interruptible wait should be begun anew, after a look at what may
    /// have interrupted it.
    Interrupted,
    /// The wait was ended through [`Abandon`](crate::Abandon): nobody could
    /// have ended it otherwise.
    Abandoned,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the handle is closed",
            Self::Broken => "all receivers have closed",
            Self::Ended => "all senders have closed and nothing is left",
            Self::Full => "the channel is full",
            Self::Empty => "the channel is empty",
            Self::TimedOut => "the deadline has passed",
            Self::Interrupted => "the wait was interrupted",
            Self::Abandoned => "the wait was abandoned",
        })
    }
}

impl Error for Refused {}

/// A send that was refused, with the item that was to be sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T> {
    /// What was not sent.
    pub item: T,
    /// Why not.
    pub reason: Refused,
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Contents are nobody's business.
        f.debug_struct("SendError")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl<T> Error for SendError<T> {}
