"""The encoder kind: the joint network's heads on a pretrained multilingual encoder."""
