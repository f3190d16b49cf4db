"""Outside formats, in and out: one file each, named in `registry`.

`files` opens a path whatever its format, `conversion` turns one into another, `base` says what a
format is, `parts` holds what formats share, `store` and `manifest` where files stand.
"""
