"""What formats share: none of these modules is a format."""
