"""The LiveKit agent: one process, one call."""
