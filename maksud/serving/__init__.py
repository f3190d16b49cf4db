"""The front of every recognizer: OpenAI-compatible, authenticated, bounded."""
