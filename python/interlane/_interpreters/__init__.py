"""`interlane.interpreters` for CPython 3.12 and 3.13, which have no `concurrent.interpreters`.

`interpreter` is the class and the functions, `primitives` what CPython offers underneath, `script`, `recipe`
and `transport` how code, callables and values travel, `remote` the part that runs in the other interpreter,
and `closing` what happens to open interpreters when this one ends.
"""
