"""What stands in a file? One reader for each kind; each returns the passages of one file."""
