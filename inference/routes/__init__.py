"""The server's paths, one module for each part of the OpenAI API."""
