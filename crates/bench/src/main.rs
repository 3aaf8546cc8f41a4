//! Two plain Rust threads, one on each of two processors, that talk through what Rust has for that: the yardstick
//! of `benchmarks/run.py`, which runs this program and reads the lines of JSON that it prints.
//!
//! `interlane-bench SCENARIO CONTENDER [COUNT]`

mod link;
mod pin;
mod scenario;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (scenario, contender, count) = match args[..] {
        [scenario, contender] => (scenario, contender, None),
        [scenario, contender, count] => (scenario, contender, count.parse().ok()),
        _ => return usage(),
    };
    let open = link::CONTENDERS.iter().find(|one| one.0 == contender);
    let (Some((run, usual)), Some((_, open))) = (scenario::by_name(scenario), open) else {
        return usage();
    };
    let processors = pin::Processors::allowed();
    processors.use_first();
    let mut values = run(open, &processors, count.unwrap_or(usual).max(1));
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
    println!(
        r#"{{"contender": "{contender}", "scenario": "{scenario}", "count": {}, "median": {:.4}, "p99": {:.4}}}"#,
        values.len(),
        at(0.5),
        at(0.99)
    );
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: interlane-bench SCENARIO CONTENDER [COUNT]");
    eprintln!("scenarios: {}", scenario::NAMES.join(", "));
    for (name, _) in link::CONTENDERS {
        eprintln!("contender: {name}");
    }
    ExitCode::FAILURE
}
