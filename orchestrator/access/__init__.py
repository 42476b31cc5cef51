"""Who may come in, and how far? Keys, tokens, origins, and what may be reached at all."""
