"""How good the tracks and detections are, by the libraries the field uses."""
