//! How long a call may wait: the `timeout` argument, and going on after a signal.

use std::time::{Duration, Instant};

use interlane_core::{Refused, Wait};

use super::blocked::ThisThread;
use super::interrupt;
use super::primitive::Primitive;
use crate::py::{Cx, PyResult, Raised, Ref};

/// Until when; `None` for as long as it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    end: Option<Instant>,
    /// The primitive or channel that is waited for: for people who want to know.
    subject: Subject,
}

/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Other,
    Primitive(u64),
    /// Room in a channel.
    Send(u64),
    /// An item from a channel.
    Receive(u64),
}

impl Deadline {
    /// As long as it takes.
    pub(crate) const NEVER: Self = Self {
        end: None,
        subject: Subject::Other,
    };

    /// In so many seconds, which are not negative. More than the clock can count is never.
    pub(crate) fn after(seconds: f64) -> Self {
        let end = Duration::try_from_secs_f64(seconds)
            .ok()
            .and_then(|time| Instant::now().checked_add(time));
        Self { end, ..Self::NEVER }
    }

    /// The same, of a wait for this.
    pub(crate) fn on(self, primitive: &Primitive) -> Self {
        let subject = Subject::Primitive(primitive.id());
        Self { subject, ..self }
    }

    /// The same, of a wait of a sender or receiver of this channel.
    pub(crate) fn at(self, channel: u64, sending: bool) -> Self {
        let subject = if sending {
            Subject::Send(channel)
        } else {
            Subject::Receive(channel)
        };
        Self { subject, ..self }
    }

    /// From a `timeout` in seconds, or `None`.
    ///
    /// # Errors
    /// `ValueError` when it is negative or not a number, `TypeError` when it isn't a real number.
    pub(crate) fn from_timeout(cx: Cx<'_>, timeout: Option<Ref<'_>>) -> PyResult<Self> {
        Ok(Self::seconds(cx, timeout)?.map_or(Self::NEVER, Self::after))
    }

    /// The number of seconds that [`from_timeout`](Self::from_timeout) counts from now on, with the same errors.
    pub(crate) fn seconds(cx: Cx<'_>, timeout: Option<Ref<'_>>) -> PyResult<Option<f64>> {
        let Some(timeout) = timeout.filter(|value| !value.is_none()) else {
            return Ok(None);
        };
        let seconds = timeout.as_float(cx.py())?;
        if seconds.is_nan() || seconds < 0.0 {
            return Err(Raised::value_error(
                cx.py(),
                &format!("timeout must not be negative, got {seconds}"),
            ));
        }
        Ok(Some(seconds))
    }

    /// Repeats a blocking operation, with the GIL released, until it is anything but interrupted.
    pub(crate) fn wait<T: Send, E: Send>(
        self,
        cx: Cx<'_>,
        mut operation: impl FnMut(&Wait<'_>) -> Result<T, E> + Send,
        reason: impl Fn(&E) -> Refused,
    ) -> PyResult<Result<T, E>> {
        let interpreter = cx.state.interpreter();
        interpreter.watch_threads(cx.py())?;
        let this_thread = ThisThread::new(interpreter.id(), self.subject);
        let interruptible = interrupt::looks_after_signals(interpreter);
        let began = interruptible.then(Instant::now);
        let mut wait = Wait {
            deadline: self.end,
            interruptible,
            since: None,
            parked: Some(&this_thread),
        };
        loop {
            let answer = interpreter.detach(cx.py(), || operation(&wait));
            match answer {
                Err(error) if reason(&error) == Refused::Interrupted => {
                    interrupt::check_signals(cx)?;
                    wait.since = began;
                }
                answer => return Ok(answer),
            }
        }
    }
}
