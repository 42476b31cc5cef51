"""Who writes down what is to be told, and who tells it? Two threads of each upkeep worker."""
