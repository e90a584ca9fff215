"""Training: data, set prediction losses, the loop that resumes exactly, and what it reports."""
