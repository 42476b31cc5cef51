"""How is the house? What is missing, and how much is going on."""
