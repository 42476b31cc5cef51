"""Who talks to the caller."""
