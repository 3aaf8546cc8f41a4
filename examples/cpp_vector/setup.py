"""Builds the extension; interlane is needed for its header, and not at run time."""

import interlane
from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "cpp_vector",
            ["cpp_vector.cpp"],
            include_dirs=[interlane.get_include()],
            extra_compile_args=["-std=c++11"],
        )
    ]
)
