"""The compact kind: a joint network on hashed features, trained from scratch on any CPU."""
