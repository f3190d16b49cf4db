"""Recognizers that are causal language models: they write the call text, token by token.

`gallery` knows the base models; `fetching` gets them, or `hub_cache`. `folder` refuses what is
unsafe to load, `loading` opens what is left, `inspection` refuses what could not be tuned or run.
`prompt` turns a contract and an utterance into token ids, for training and serving alike;
`rendering` runs chat templates. `parts` and `grammar` say which text the catalog allows,
`constraint` which tokens. `writing` makes one answer, `decoding` many at once over `attention`.
`settings`, `packing`, `variation`, `training`, `checkpoints` and `saving` tune; `recognizer`
answers with what was tuned.
"""
