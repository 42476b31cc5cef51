"""Being a caller: joining the room, speaking, listening, and knowing when the call is over."""
