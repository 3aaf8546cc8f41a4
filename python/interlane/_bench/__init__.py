"""interlane beside the alternatives: what `interlane bench` and the project's own `make bench` both need.

`contenders` says who takes part, `scenarios` what is measured, `measure` measures one of the former in one of
the latter, in a process of its own; `turns` starts those, and `results` is what comes of them.
"""
