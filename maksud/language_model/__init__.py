"""Recognizers that are causal language models: they write the call text, token by token.

`gallery` knows the base models and fetches them; `prompt` turns a contract and an utterance into
token ids, for training and serving alike; `constraint` says which text the catalog allows;
`decoding` generates under it; `packing` and `training` tune; `recognizer` loads what was tuned.
"""
