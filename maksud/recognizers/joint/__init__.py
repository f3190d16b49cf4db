"""Joint intent and slot networks: intent heads and BIO tags on a feature extractor."""
