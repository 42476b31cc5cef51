"""Questions over Kafka: who sends them, who answers them, and who brings the answers home."""
