"""The shipped example data, and the tour over the whole road."""
