"""Frozen networks and what travels with them: preprocessing, head, feature statistics, card."""
