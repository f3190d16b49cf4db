"""Joint intent and slot networks: what the compact kind shares with those on an encoder."""
