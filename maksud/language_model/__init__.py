"""A causal language model as a recognizer: tuned on calls, writing only what the catalog allows."""
