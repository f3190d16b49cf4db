"""What is wrong with a dataset: findings, before a minute of training is spent on it.

`registry` lists the checks, `base` says what one is.
`strategy` and `variety` hold the guide's strategy for data; `counter` looks for rows that are not
to be acted on, and `suggesting` makes some; `labels`, `names` and `parameters` look
at answers, `repeats` and `near` at utterances beside each other, `text`, `personal` and
`languages` at each for itself, `lengths` and `metadata` at the rest. Each looks at every row once
and keeps counts (`rows`), so that a million rows need little memory. Thresholds stand on top of
the modules.
"""

from maksud.data.checks.run import Checked, check, examine

__all__ = ["Checked", "check", "examine"]
