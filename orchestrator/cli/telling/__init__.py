"""The parts of `switchboard webhooks`."""
