"""Growing a head by new states without forgetting the old ones."""
