"""The front of the house: HTTP, WebSockets and the command line."""
