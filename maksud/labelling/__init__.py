"""Labelling with a team: utterances in, agreed answers out, in the browser or by script."""
