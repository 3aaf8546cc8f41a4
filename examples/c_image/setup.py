"""Builds the extension; interlane is needed for its header, and not at run time."""

import interlane
from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "c_image",
            ["c_image.c"],
            include_dirs=[interlane.get_include()],
            extra_compile_args=["-std=c99"],
        )
    ]
)
