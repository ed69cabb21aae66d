"""Recordings on disk, their splits and augmentation, and the public datasets."""
