//! The queues of an executor: tasks on their way to whichever worker is free, outcomes on their way back.
//!
//! ```text
//!  the pool's interpreter                             the workers' interpreters
//!  post ──► jobs ──────────────────────────────────► next ─► the function
//!  collect ◄────────────────────────────── results ◄─ returned, failed, lost
//! ```
//!
//! Workers take one job at a time, so one that lasts keeps none behind it waiting. Each job has a claim, which
//! either a worker takes or somebody cancels, never both. Nobody passes a result on: whoever waits for one collects
//! what is there, for everybody.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use interlane_core::{Receiver, Refused, Sender, Wait, channel};

use super::interpreter::Close;
use crate::convert::Message;

/// The states of a claim.
const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const CANCELLED: u8 = 2;

/// Whose turn one of several jobs is.
#[derive(Clone)]
struct Claim {
    claims: Arc<[AtomicU8]>,
    index: usize,
}

/// The claims of jobs that were posted together.
#[derive(Clone)]
pub(crate) struct Claims(Arc<[AtomicU8]>);

impl Claims {
    pub(crate) fn new(count: usize) -> Self {
        Self((0..count).map(|_| AtomicU8::new(WAITING)).collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Has a worker taken the job?
    pub(crate) fn is_taken(&self, index: usize) -> bool {
        self.0[index].load(Ordering::Acquire) == TAKEN
    }

    /// Cancels the job unless it is too late; was it this call that did?
    pub(crate) fn cancel(&self, index: usize) -> bool {
        decide(&self.0[index], CANCELLED)
    }
}

/// One winner: whoever changes it first.
fn decide(claim: &AtomicU8, state: u8) -> bool {
    claim
        .compare_exchange(WAITING, state, Ordering::AcqRel, Ordering::Acquire)
        .is_ok()
}

/// A call, as it lies in the queue.
pub(crate) struct Job {
    number: u64,
    claim: Claim,
    call: Message,
}

impl Job {
    pub(crate) fn new(number: u64, claims: &Claims, index: usize, call: Message) -> Self {
        let claims = Arc::clone(&claims.0);
        Self {
            number,
            claim: Claim { claims, index },
            call,
        }
    }
}

/// What became of a job.
pub(crate) enum Outcome {
    Returned(Message),
    Raised(Message),
    /// The worker ended in the middle.
    Lost,
    /// Nothing: whoever collects is to look around.
    Rung,
}

/// The outcome of the job of this number.
pub(crate) struct Done {
    pub(crate) number: u64,
    pub(crate) outcome: Outcome,
}

/// The pool's side.
pub(crate) struct Tasks {
    id: u64,
    pub(crate) jobs: Sender<Job>,
    /// Keeps the queue from breaking while there is no worker, and takes back what nobody has begun.
    left: Receiver<Job>,
    bell: Sender<Done>,
    pub(crate) results: Receiver<Done>,
    /// Jobs posted, neither done nor cancelled. A hint by which nothing but starting workers is decided: relaxed.
    outstanding: Arc<AtomicI64>,
    /// Do tasks and outcomes bring along the definitions of what is in a `__main__` that workers cannot import?
    pub(crate) definitions: bool,
}

/// The pools by the id of their queue, so that their workers find them. Holds no counts.
static POOLS: Mutex<BTreeMap<u64, Weak<Tasks>>> = Mutex::new(BTreeMap::new());

fn pools() -> std::sync::MutexGuard<'static, BTreeMap<u64, Weak<Tasks>>> {
    POOLS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tasks {
    pub(crate) fn create(definitions: bool) -> Arc<Self> {
        let (jobs, left) = channel(None);
        let (bell, results) = channel(None);
        let tasks = Arc::new(Self {
            id: jobs.channel().id(),
            jobs,
            left,
            bell,
            results,
            outstanding: Arc::default(),
            definitions,
        });
        pools().insert(tasks.id, Arc::downgrade(&tasks));
        tasks
    }

    /// A worker of the pool with this id.
    pub(crate) fn worker(id: u64) -> Option<Worker> {
        let tasks = pools().get(&id).and_then(Weak::upgrade)?;
        Some(Worker {
            jobs: tasks.left.try_clone()?,
            results: tasks.bell.try_clone()?,
            current: AtomicU64::new(IDLE),
            outstanding: Arc::clone(&tasks.outstanding),
            definitions: tasks.definitions,
        })
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn outstanding(&self) -> i64 {
        self.outstanding.load(Ordering::Relaxed)
    }

    /// To be called before jobs are sent.
    pub(crate) fn count(&self, more: i64) {
        self.outstanding.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.jobs.is_closed()
    }

    /// No more jobs: workers end when they have done what is queued.
    pub(crate) fn close(&self) {
        self.jobs.close();
    }

    /// Takes back all jobs that nobody has begun, and returns their numbers.
    pub(crate) fn drain(&self) -> Vec<u64> {
        let mut numbers = Vec::new();
        while let Ok(job) = self.left.try_recv() {
            if decide(&job.claim.claims[job.claim.index], CANCELLED) {
                self.count(-1);
                numbers.push(job.number);
            }
        }
        numbers
    }

    /// Adds an outcome that no worker has brought about.
    pub(crate) fn add(&self, done: Done) {
        // Unbounded, and `self` is a receiver that never closes.
        let _sent = self.bell.try_send(done);
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        pools().remove(&self.id);
    }
}

/// No job has this number.
const IDLE: u64 = u64::MAX;

/// A worker's side. When it is closed in the middle of a job, that job is lost, and the pool is told.
pub(crate) struct Worker {
    jobs: Receiver<Job>,
    results: Sender<Done>,
    /// The number of the job that was taken last and is not done. Used by the worker's thread; whoever closes it
    /// meanwhile swaps the number out, so that there is one outcome.
    current: AtomicU64,
    outstanding: Arc<AtomicI64>,
    pub(crate) definitions: bool,
}

impl Worker {
    pub(crate) fn try_next(&self) -> Result<Message, Refused> {
        loop {
            if let Some(call) = self.begin(self.jobs.try_recv()?) {
                return Ok(call);
            }
        }
    }

    pub(crate) fn next(&self, wait: &Wait<'_>) -> Result<Message, Refused> {
        loop {
            if let Some(call) = self.begin(self.jobs.recv(wait)?) {
                return Ok(call);
            }
        }
    }

    fn begin(&self, job: Job) -> Option<Message> {
        if !decide(&job.claim.claims[job.claim.index], TAKEN) {
            return None;
        }
        self.current.store(job.number, Ordering::Release);
        Some(job.call)
    }

    /// Hands over the outcome of the current job.
    pub(crate) fn finish(&self, outcome: Outcome) {
        let number = self.current.swap(IDLE, Ordering::AcqRel);
        if number != IDLE {
            self.outstanding.fetch_sub(1, Ordering::Relaxed);
            // Refused when the pool has gone: nobody is left to be told.
            let _sent = self.results.try_send(Done { number, outcome });
        }
    }
}

impl Close for Worker {
    fn close(&self) {
        self.finish(Outcome::Lost);
        self.jobs.close();
        self.results.close();
    }
}
