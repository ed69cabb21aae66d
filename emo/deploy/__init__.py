"""Models at work on new videos and pictures."""
