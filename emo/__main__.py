"""``python -m emo`` is the same as ``emo``."""

from emo.cli import main

if __name__ == "__main__":
    main()
