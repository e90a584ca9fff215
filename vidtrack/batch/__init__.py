"""Many clips: which there are, where their results go, which are done already."""
