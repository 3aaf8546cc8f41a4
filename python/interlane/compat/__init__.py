"""The standard library's queues and channels between interpreters, on interlane's.

Names and semantics are the same. `interlane.compat.queues` is what `concurrent.interpreters` calls a queue
(PEP 734), `interlane.compat.channels` what CPython keeps of PEP 554 in `test.support.channels`. Both run on
every supported version. What differs is only better: a blocked call wakes at once instead of every 10 ms,
timeouts are seconds with fractions, and containers are not pickled.
"""
