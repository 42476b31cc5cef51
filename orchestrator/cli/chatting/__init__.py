"""Being a chatter: a session in writing, or a call into which somebody writes."""
