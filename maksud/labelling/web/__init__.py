"""The doors of labelling: routes with roles and fields, sessions, pages, running."""
