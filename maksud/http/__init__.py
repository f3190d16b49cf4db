"""What all servers share: who and what may come in."""
