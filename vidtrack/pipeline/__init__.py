"""One clip from end to end: decode, infer, track, draw and encode."""
