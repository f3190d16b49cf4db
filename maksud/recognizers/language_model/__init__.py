"""Recognizers that are causal language models: they write the call text, token by token.

`gallery` knows the base models and fetches them, `loading` opens them. `prompt` turns a contract
and an utterance into token ids, for training and serving alike. `parts` and `grammar` say which
text the catalog allows, `constraint` which tokens. `writing` makes one answer, `decoding` many at
once over `attention`. `packing`, `variation`, `training` and `checkpoints` tune; `recognizer`
answers with what was tuned.
"""
