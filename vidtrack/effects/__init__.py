"""New pictures from a clip and its track log: drawn again, hidden, cropped, cut out."""
