"""The jobs that keep the house clean. Each is short, idempotent, and safe to run twice at once."""
