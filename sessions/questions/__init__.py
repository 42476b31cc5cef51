"""Questions and answers: their shapes, what they are about, and which are still open."""
