"""The checks of `switchboard doctor`, one module for each kind of part."""
