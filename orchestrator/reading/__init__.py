"""What does a caller see of its sessions? One of them, a list, or one that is not ready yet."""
