//! Two plain Rust threads, one on each of two processors, that talk through what Rust has for that: the yardstick
//! of `benchmarks/run.py`, which runs this program and reads the lines of JSON that it prints.
//!
//! `interlane-bench round-trip|wake-up|wake-up-timeout|one-way [COUNT]`

mod link;
mod pin;
mod scenario;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let count = args.next().and_then(|count| count.parse().ok());
    let Some((run, usual)) = scenario::by_name(&name) else {
        eprintln!("interlane-bench: no scenario '{name}'");
        return ExitCode::FAILURE;
    };
    pin::to(0);
    for contender in link::CONTENDERS {
        if name == "one-way" && !contender.queues {
            continue;
        }
        let mut values = run(&contender.open, count.unwrap_or(usual).max(1));
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
        println!(
            r#"{{"contender": "{}", "scenario": "{name}", "count": {}, "median": {:.4}, "p99": {:.4}}}"#,
            contender.name,
            values.len(),
            at(0.5),
            at(0.99)
        );
    }
    ExitCode::SUCCESS
}
