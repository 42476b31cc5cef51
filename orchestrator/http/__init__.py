"""What do a request and an answer look like? Bodies, queries, problems, the OpenAPI document."""
