"""What an answer is: the call language and the catalog of intents."""
