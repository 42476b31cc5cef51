"""What the house knows: finds the passages that answer a question, and words the answer."""
