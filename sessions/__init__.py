"""What a session is: ids, states, events, and the store that keeps every promise about them."""
