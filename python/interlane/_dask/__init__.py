"""What `interlane.dask` is made of.

`graph` takes a task of Dask's apart into steps, `perform` runs them in another interpreter, `parcels` gets
values there and back. Only `interlane.dask` itself imports `distributed`, which isolated interpreters
refuse, and nothing of this package's that a worker imports needs `dask`.
"""
