"""`InterpreterPoolExecutor`.

`executor` is the class, `future` and `mapping` what its methods return, `crew` what they have in common:
the queues, the workers' threads, and who collects results. `calls` says how a callable travels, `worker` runs
in the other interpreters, where nothing else of this package is imported.
"""
