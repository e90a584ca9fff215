"""Types, errors and small services that every other package uses."""
