//! How long a call may wait: the `timeout` argument, and going on after a signal.

use std::time::{Duration, Instant};

use interlane_core::{Refused, Wait};

use super::blocked::ThisThread;
use crate::py::{Cx, PyResult, Raised, Ref};

/// Until when; `None` for as long as it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// As long as it takes.
    pub(crate) const NEVER: Self = Self(None);

    /// From a `timeout` in seconds, or `None`.
    ///
    /// # Errors
    /// `ValueError` when it is negative or not a number, `TypeError` when it isn't a real number.
    pub(crate) fn from_timeout(cx: Cx<'_>, timeout: Option<Ref<'_>>) -> PyResult<Self> {
        let Some(timeout) = timeout.filter(|value| !value.is_none()) else {
            return Ok(Self(None));
        };
        let seconds = timeout.as_float(cx.py())?;
        if seconds.is_nan() || seconds < 0.0 {
            return Err(Raised::value_error(
                cx.py(),
                &format!("timeout must not be negative, got {seconds}"),
            ));
        }
        let end = Duration::try_from_secs_f64(seconds)
            .ok()
            .and_then(|time| Instant::now().checked_add(time));
        Ok(Self(end))
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
        let this_thread = ThisThread {
            in_main: interpreter.is_main(),
        };
        let wait = Wait {
            deadline: self.0,
            interruptible: interpreter.handles_signals_here(),
            parked: Some(&this_thread),
        };
        loop {
            let answer = interpreter.detach(cx.py(), || operation(&wait));
            match answer {
                Err(error) if reason(&error) == Refused::Interrupted => cx.check_signals()?,
                answer => return Ok(answer),
            }
        }
    }
}
