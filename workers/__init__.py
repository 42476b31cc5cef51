"""Who runs a session: Celery, its warm pool, and the jobs that keep the house clean."""
