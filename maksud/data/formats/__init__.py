"""Outside formats, in and out: one file each. `files` opens a path whatever its format."""
