"""Training of bases in PyTorch; the only part of emo that needs the ``torch`` extra."""
