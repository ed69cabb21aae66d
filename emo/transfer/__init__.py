"""From recordings of a person to that person's model: a head on a frozen base."""
