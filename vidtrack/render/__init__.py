"""Drawing tracks, and everything made from a clip and its log: redaction, crops, clips, stills, mattes."""
