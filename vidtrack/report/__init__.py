"""A log and its clip as one page to look at, without a network."""
