"""A few labelled selfie videos in, a personal facial-expression model out."""

__version__ = "0.1.0"
