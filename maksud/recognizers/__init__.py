"""What turns utterances into recognitions, all kinds behind one door."""
