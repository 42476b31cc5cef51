"""The house's own models behind the OpenAI API, for when no provider is configured."""
