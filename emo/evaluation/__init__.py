"""Metrics, calibration, reports and pictures; knows nothing of how a model is made."""
