"""Where a batch runs besides the local machine."""
